#!/bin/sh
# The open version is in an included file of another name.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
-r deps/base.list
numpy==1.26.4
EOF
mkdir -p /srv/app/deps
cat >/srv/app/deps/base.list <<'EOF'
Transformers
EOF
