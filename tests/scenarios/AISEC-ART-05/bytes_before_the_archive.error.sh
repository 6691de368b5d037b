#!/bin/sh
# Something stands before the archive.
# host: services
# reason: parse
set -e
mkdir -p /srv/models
python3 - <<'EOF'
import zipfile
DANGER = b"\x80\x02cposix\ngetcwd\nq\x00)Rq\x01."

with zipfile.ZipFile("/srv/models/model.pt", "w") as archive:
    archive.writestr("archive/data.pkl", DANGER)
    archive.writestr("archive/byteorder", "little")
    archive.writestr("archive/data/0", bytes(64))
    archive.writestr("archive/version", "3\n")
data = open("/srv/models/model.pt", "rb").read()
open("/srv/models/model.pt", "wb").write(bytes(100) + data)
EOF
