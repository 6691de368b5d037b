#!/bin/sh
# A requirements file adds an index.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
--extra-index-url=https://download.pytorch.org/whl/cu121
torch==2.4.1
EOF
