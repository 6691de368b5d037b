#!/bin/sh
# A channel of conda that anybody can have.
mkdir -p /root
cat >/root/.condarc <<'EOF'
channels:
  - some-user
  - conda-forge
EOF
