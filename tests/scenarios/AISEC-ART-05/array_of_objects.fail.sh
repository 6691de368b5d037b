#!/bin/sh
# A NumPy archive with an array of objects, deflated.
# host: services
# lib: pickles
mkdir -p /srv/models
pickles <<'EOF'
header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
header += b" " * (117 - len(header)) + b"\n"
array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + DANGER
with zipfile.ZipFile("/srv/models/stats.npz", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("mean.npy", array)
EOF
