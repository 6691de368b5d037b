#!/bin/sh
# The environment is a link to a place that is not searched.
# advisories: advisories
# params: {db_max_age_days: 36500}
# reason: unreadable
mkdir -p /data/venvs/app/lib/python3.11/site-packages/torch-2.1.0.dist-info /opt/app
: >/data/venvs/app/pyvenv.cfg
ln -s /data/venvs/app /opt/app/venv
