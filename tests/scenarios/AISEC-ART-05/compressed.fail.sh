#!/bin/sh
# As joblib writes it with compression.
# host: services
set -e
mkdir -p /srv/models
python3 - <<'EOF'
import zlib
DANGER = b"\x80\x02cposix\ngetcwd\nq\x00)Rq\x01."
open("/srv/models/forest.joblib", "wb").write(zlib.compress(DANGER))
EOF
