#!/bin/sh
# uv takes the best version of all indexes.
mkdir -p /root/.config/uv
cat >/root/.config/uv/uv.toml <<'EOF'
index-strategy = "unsafe-best-match"
EOF
