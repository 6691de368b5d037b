#!/bin/sh
# A branch of a repository is what its owner makes of it.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
transformers @ git+https://example.com/transformers.git@main
EOF
