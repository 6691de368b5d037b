#!/bin/sh
# A harmless pickle, and another one behind it.
# host: services
# lib: pickles
mkdir -p /srv/models
pickles <<'EOF'
open("/srv/models/a.pkl", "wb").write(pickle.dumps({"a": 1}) + DANGER)
EOF
