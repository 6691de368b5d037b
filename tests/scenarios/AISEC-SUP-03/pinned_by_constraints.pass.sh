#!/bin/sh
# A constraints file pins what the requirements file leaves open.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
-c pins/all.txt
torch
EOF
mkdir -p /srv/app/pins
cat >/srv/app/pins/all.txt <<'EOF'
torch==2.4.1
EOF
