#!/bin/sh
# A wildcard is no exact version.
set -e
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
transformers==4.44.*
EOF
