#!/bin/sh
# The environment belongs to the account that serves the model.
set -e
d=/opt/app/venv/lib/python3.11/site-packages
mkdir -p $d/torch
: >$d/torch/__init__.py
for i in $(seq 400); do : >$d/torch/module_with_a_longer_name_$i.py; done
chown -R ai_user:ai_team $d
