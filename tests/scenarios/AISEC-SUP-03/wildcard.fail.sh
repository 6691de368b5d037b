#!/bin/sh
# A wildcard is no exact version.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
transformers==4.44.*
EOF
