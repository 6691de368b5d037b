#!/bin/sh
# Something stands before the archive.
# host: services
# lib: pickles
# reason: unreadable
mkdir -p /srv/models
pickles <<'EOF'
checkpoint("/srv/models/model.pt", DANGER)
data = open("/srv/models/model.pt", "rb").read()
open("/srv/models/model.pt", "wb").write(bytes(100) + data)
EOF
