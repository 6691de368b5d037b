#!/bin/sh
# Wishes that nothing resolves.
mkdir -p /home/operator/app
cat >/home/operator/app/pyproject.toml <<'EOF'
[project]
name = "app"
version = "1"
dependencies = ["datasets~=2.0"]
EOF
