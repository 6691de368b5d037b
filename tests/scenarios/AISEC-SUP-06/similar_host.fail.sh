#!/bin/sh
# The allowed host's name is only a part of this one's.
mkdir -p /etc
cat >/etc/pip.conf <<'EOF'
[global]
index-url = https://pypi.org.example.com/simple
EOF
