#!/bin/sh
# A project file that cannot be parsed.
# reason: parse
set -e
mkdir -p /srv/app
cat >/srv/app/pyproject.toml <<'EOF'
[project
dependencies = ["torch"]
EOF
