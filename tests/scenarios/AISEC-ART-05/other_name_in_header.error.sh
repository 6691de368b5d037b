#!/bin/sh
# A member has one name in the directory and another before its content.
# host: services
# lib: pickles
# reason: parse
mkdir -p /srv/models
pickles <<'EOF'
checkpoint("/srv/models/model.pt", DANGER)
data = open("/srv/models/model.pt", "rb").read()
open("/srv/models/model.pt", "wb").write(data.replace(b"archive/data.pkl", b"archive/data.txt", 1))
EOF
