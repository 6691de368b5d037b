#!/bin/sh
# The configuration lies in a virtual environment.
mkdir -p /opt/venv
cat >/opt/venv/pip.conf <<'EOF'
[global]
extra-index-url = https://pypi.example.com/simple
EOF
