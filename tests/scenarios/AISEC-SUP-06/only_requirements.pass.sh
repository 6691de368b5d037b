#!/bin/sh
# A project that changes nothing about indexes.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
torch==2.4.1
EOF
