#!/bin/sh
# An unprivileged auditor cannot read one file.
# as: auditor
# params: {project_roots: [/srv]}
# reason: privilege
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
torch==2.4.1
EOF
chmod 0600 /srv/app/requirements.txt
