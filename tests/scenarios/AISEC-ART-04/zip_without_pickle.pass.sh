#!/bin/sh
# A Keras archive, which is a zip file, and a NumPy archive of numbers.
# host: services
mkdir -p /srv/models
python3 - <<'EOF'
import zipfile

with zipfile.ZipFile("/srv/models/model.keras", "w") as archive:
    archive.writestr("config.json", "{}")
    archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(100))
header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
with zipfile.ZipFile("/srv/models/stats.npz", "w") as archive:
    archive.writestr("mean.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(4))
EOF
