#!/bin/sh
# Every login shell adds an index.
mkdir -p /etc/profile.d
cat >/etc/profile.d/pip.sh <<'EOF'
FOO=1; export PIP_EXTRA_INDEX_URL='https://pypi.example.com/simple'
EOF
