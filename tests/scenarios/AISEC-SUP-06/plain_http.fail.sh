#!/bin/sh
# An index without encryption.
mkdir -p /home/operator/.config/pip
cat >/home/operator/.config/pip/pip.conf <<'EOF'
[install]
index-url = http://pypi.org/simple
EOF
