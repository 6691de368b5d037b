#!/bin/sh
# What PyTorch writes, now and before 1.6, a NumPy scalar, and a text that is no pickle.
# host: services
set -e
mkdir -p /srv/models
python3 - <<'EOF'
import zipfile
import pickle
TORCH = (
    b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01X\x06\x00\x00\x00weightq\x02"
    b"ctorch._utils\n_rebuild_tensor_v2\nq\x03((X\x07\x00\x00\x00storageq\x04ctorch\nFloatStorage\nq\x05"
    b"X\x01\x00\x00\x000q\x06X\x03\x00\x00\x00cpuq\x07K\x04tq\x08QK\x00K\x02K\x02\x86q\tK\x02K\x01\x86q\n"
    b"\x89h\x00)Rq\x0btq\x0cRq\rs."
)

with zipfile.ZipFile("/srv/models/model.pt", "w") as archive:
    archive.writestr("archive/data.pkl", TORCH)
    archive.writestr("archive/byteorder", "little")
    archive.writestr("archive/data/0", bytes(64))
    archive.writestr("archive/version", "3\n")
LEGACY = [pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2), pickle.dumps({"little_endian": True}, 2)]
with open("/srv/models/old.pth", "wb") as file:
    file.write(b"".join([*LEGACY, TORCH, pickle.dumps(["0"], 2)]) + bytes(range(256)))
EOF
echo 'continuous integration' >/srv/models/README
