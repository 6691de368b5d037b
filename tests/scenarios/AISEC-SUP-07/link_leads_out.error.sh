#!/bin/sh
# The environment is a link to a place that is not searched.
# reason: unreadable
mkdir -p /data/venvs/app/lib/python3.11/site-packages /opt/app
: >/data/venvs/app/pyvenv.cfg
chmod 0777 /data/venvs/app/lib/python3.11/site-packages
ln -s /data/venvs/app /opt/app/venv
