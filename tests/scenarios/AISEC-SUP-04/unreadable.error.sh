#!/bin/sh
# One file is closed to the auditor.
# as: auditor
# params: {project_roots: [/srv]}
# reason: privilege
mkdir -p /srv/app
printf "torch==2.4.1\n" >/srv/app/requirements.txt
chmod 0600 /srv/app/requirements.txt
