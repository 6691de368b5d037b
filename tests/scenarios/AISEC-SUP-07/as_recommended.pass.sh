#!/bin/sh
# The remediation of world_writable.fail.sh and owned_by_service.fail.sh, word by word.
set -e
d=/opt/app/venv/lib/python3.11/site-packages
mkdir -p $d/torch
: >$d/torch/__init__.py
chmod 0666 $d/torch/__init__.py
chown -R ai_user $d
chmod -R o-w,g-w $d
chown -R root $d
