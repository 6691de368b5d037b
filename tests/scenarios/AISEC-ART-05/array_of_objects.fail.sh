#!/bin/sh
# A NumPy archive with an array of objects, deflated.
# host: services
set -e
mkdir -p /srv/models
python3 - <<'EOF'
import zipfile
DANGER = b"\x80\x02cposix\ngetcwd\nq\x00)Rq\x01."

header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
header += b" " * (117 - len(header)) + b"\n"
array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + DANGER
with zipfile.ZipFile("/srv/models/stats.npz", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("mean.npy", array)
EOF
