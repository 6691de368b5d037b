#!/bin/sh
# What PyTorch writes, now and before 1.6, a NumPy scalar, and a text that is no pickle.
# host: services
# lib: pickles
mkdir -p /srv/models
pickles <<'EOF'
checkpoint("/srv/models/model.pt", TORCH)
LEGACY = [pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2), pickle.dumps({"little_endian": True}, 2)]
with open("/srv/models/old.pth", "wb") as file:
    file.write(b"".join([*LEGACY, TORCH, pickle.dumps(["0"], 2)]) + bytes(range(256)))
EOF
echo 'continuous integration' >/srv/models/README
