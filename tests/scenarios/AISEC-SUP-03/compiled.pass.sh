#!/bin/sh
# Wishes in requirements.in, compiled into requirements.txt.
mkdir -p /srv/app
cat >/srv/app/requirements.in <<'EOF'
torch>=2
EOF
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
torch==2.4.1 \
    --hash=sha256:aaaa
    # via -r requirements.in
EOF
