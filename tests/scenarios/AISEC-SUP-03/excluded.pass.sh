#!/bin/sh
# What cannot be parsed lies in a place that is left out, with a reason.
# params: {exclude: {"/srv/old": "switched off in May, kept for its records"}}
mkdir -p /srv/app
echo torch==2.5.1 > /srv/app/requirements.txt
mkdir -p /srv/old/app
cat > /srv/old/app/pyproject.toml <<'EOF'
[project
dependencies = ["torch"]
EOF
echo jax > /srv/old/requirements.txt
