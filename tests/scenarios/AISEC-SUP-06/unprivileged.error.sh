#!/bin/sh
# An unprivileged auditor cannot see the configuration of others.
# as: auditor
# reason: privilege
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
torch==2.4.1
EOF
