#!/bin/sh
# The company's index, with credentials in the URL.
# params: {allowed_hosts: [pypi.example.com]}
mkdir -p /etc
cat >/etc/pip.conf <<'EOF'
[global]
index-url = https://ci:correct-horse-battery@pypi.example.com/simple
EOF
