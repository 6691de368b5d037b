#!/bin/sh
# Anybody can put another environment in the place of this one.
set -e
d=/opt/app/venv/lib/python3.11/site-packages
mkdir -p $d/torch
: >$d/torch/__init__.py
chmod 0777 /opt/app
