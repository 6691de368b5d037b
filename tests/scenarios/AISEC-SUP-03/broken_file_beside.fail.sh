#!/bin/sh
# A file that cannot be parsed does not hide an open version.
mkdir -p /srv/app
cat >/srv/app/pyproject.toml <<'EOF'
[project
EOF
mkdir -p /srv/other
cat >/srv/other/requirements.txt <<'EOF'
jax
EOF
