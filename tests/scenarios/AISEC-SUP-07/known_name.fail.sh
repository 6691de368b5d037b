#!/bin/sh
# Code under a name that is known, after a carriage return.
set -e
d=/opt/app/venv/lib/python3.11/site-packages
mkdir -p $d/torch
: >$d/torch/__init__.py
printf "# comment\rimport os; os.system(\"true\")\n" >$d/_virtualenv.pth
