#!/bin/sh
# A repository has a commit and no hash that pip or uv would check.
mkdir -p /opt/app
cat >/opt/app/poetry.lock <<"EOF"
[[package]]
name = "transformers"
version = "4.45.0.dev0"
files = []
[package.source]
type = "git"
url = "https://example.com/transformers.git"
resolved_reference = "0123456789012345678901234567890123456789"
EOF
