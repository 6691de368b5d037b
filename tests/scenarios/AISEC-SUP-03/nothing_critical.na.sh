#!/bin/sh
# A project without ML libraries.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
flask
EOF
