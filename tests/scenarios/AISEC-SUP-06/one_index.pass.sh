#!/bin/sh
# One index, over https.
mkdir -p /etc
cat >/etc/pip.conf <<'EOF'
[global]
index-url = https://pypi.org/simple
EOF
