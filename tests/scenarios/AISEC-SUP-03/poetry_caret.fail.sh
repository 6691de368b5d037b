#!/bin/sh
# A caret allows newer versions, and there is no lock file.
mkdir -p /srv/app
cat >/srv/app/pyproject.toml <<'EOF'
[tool.poetry]
name = "app"
[tool.poetry.dependencies]
python = "^3.11"
torch = "^2.4"
EOF
