#!/bin/sh
# The environment is closed to the auditor.
# as: auditor
# params: {environments: [{path: /srv/app/venv, lock: /srv/app/requirements.txt}]}
# reason: privilege
mkdir -p /srv/app/venv/lib/python3.11/site-packages/torch-2.4.1.dist-info
printf "torch==2.4.1\n" >/srv/app/requirements.txt
chmod 0700 /srv/app/venv
