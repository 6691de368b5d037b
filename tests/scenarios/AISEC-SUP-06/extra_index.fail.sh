#!/bin/sh
# A second index is searched for every package.
mkdir -p /root/.config/pip
cat >/root/.config/pip/pip.conf <<'EOF'
[global]
extra_index_url =
    https://download.pytorch.org/whl/cu121
EOF
