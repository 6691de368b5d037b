#!/bin/sh
# An unprivileged auditor cannot see into a project.
# as: auditor
# reason: privilege
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
torch==2.4.1
EOF
chmod 0700 /srv/app
