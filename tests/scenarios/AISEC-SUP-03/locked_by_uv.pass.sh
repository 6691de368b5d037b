#!/bin/sh
# Wishes in pyproject.toml, resolved by a lock file.
mkdir -p /opt/app
cat >/opt/app/pyproject.toml <<'EOF'
[project]
name = "app"
version = "1"
dependencies = ["torch>=2", "vllm"]
EOF
mkdir -p /opt/app
cat >/opt/app/uv.lock <<'EOF'
version = 1
[[package]]
name = "torch"
version = "2.4.1"
[[package]]
name = "vllm"
version = "0.6.1"
EOF
