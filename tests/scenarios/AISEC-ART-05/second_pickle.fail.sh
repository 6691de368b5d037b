#!/bin/sh
# A harmless pickle, and another one behind it.
# host: services
set -e
mkdir -p /srv/models
python3 - <<'EOF'
import pickle
DANGER = b"\x80\x02cposix\ngetcwd\nq\x00)Rq\x01."
open("/srv/models/a.pkl", "wb").write(pickle.dumps({"a": 1}) + DANGER)
EOF
