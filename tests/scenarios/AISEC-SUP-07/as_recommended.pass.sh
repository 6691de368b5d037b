#!/bin/sh
# The remediation of world_writable.fail.sh and owned_by_service.fail.sh, word by word.
# lib: environment
environment
chmod 0666 $d/torch/__init__.py
chown -R ai_user $d
chmod -R o-w,g-w $d
chown -R root $d
