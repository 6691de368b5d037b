#!/bin/sh
# A second index that only named packages come from.
mkdir -p /srv/app
cat >/srv/app/pyproject.toml <<'EOF'
[project]
name = "app"
version = "1"
[[tool.uv.index]]
name = "pytorch"
url = "https://download.pytorch.org/whl/cu124"
explicit = true
EOF
