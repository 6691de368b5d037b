#!/bin/sh
# A pinned torchvision does not pin torch.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
torchvision==0.19.1
torch
EOF
