#!/bin/sh
# Any newer version is installed.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
torch>=2.0
numpy==1.26.4
EOF
