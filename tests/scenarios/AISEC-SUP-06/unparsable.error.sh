#!/bin/sh
# A configuration that cannot be parsed.
# reason: parse
mkdir -p /etc
cat >/etc/pip.conf <<'EOF'
index-url = https://pypi.org/simple
EOF
