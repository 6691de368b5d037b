#!/bin/sh
# A project that changes nothing about indexes.
set -e
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
torch==2.4.1
EOF
