#!/bin/sh
# What pip freeze writes.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
torch==2.4.1
torchvision==0.19.1
transformers==4.44.2
EOF
