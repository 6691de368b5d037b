#!/bin/sh
# A project file that cannot be parsed.
# reason: parse
mkdir -p /srv/app
cat >/srv/app/pyproject.toml <<'EOF'
[project
dependencies = ["torch"]
EOF
