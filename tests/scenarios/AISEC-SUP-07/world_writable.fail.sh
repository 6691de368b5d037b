#!/bin/sh
# One module that anybody may write.
set -e
d=/opt/app/venv/lib/python3.11/site-packages
mkdir -p $d/torch
: >$d/torch/__init__.py
chmod 0666 $d/torch/__init__.py
