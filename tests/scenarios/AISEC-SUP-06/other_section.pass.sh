#!/bin/sh
# A section that pip does not read names another index.
cat > /etc/pip.conf <<'EOF'
[global]
index-url = https://pypi.org/simple
[mirror]
index-url = http://mirror.example.com/simple
EOF
