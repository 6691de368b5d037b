#!/bin/sh
# A module of the interpreter itself.
set -e
d=/opt/app/venv/lib/python3.11/site-packages
mkdir -p $d/torch
: >$d/torch/__init__.py
: >/opt/app/venv/lib/python3.11/os.py
chmod 0666 /opt/app/venv/lib/python3.11/os.py
