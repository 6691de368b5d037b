#!/bin/sh
# A .pth file adds a directory that anybody may write.
set -e
d=/opt/app/venv/lib/python3.11/site-packages
mkdir -p $d/torch
: >$d/torch/__init__.py
mkdir -p /var/lib/extra
chmod 0777 /var/lib/extra
echo /var/lib/extra >$d/extra.pth
