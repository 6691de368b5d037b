#!/bin/sh
# Links that lead to what is searched anyway, or to no environment; a root that is a link itself.
# advisories: advisories
# params: {db_max_age_days: 36500}
mkdir -p /opt/releases/7/.venv/lib/python3.11/site-packages/torch-2.10.0.dist-info /data/sets /data/home
: >/opt/releases/7/.venv/pyvenv.cfg
ln -s 7 /opt/releases/current
ln -s lib /opt/releases/7/.venv/lib64
ln -s /data/sets /opt/releases/7/data
rmdir /srv
mkdir -p /data/srv/app/.venv
: >/data/srv/app/.venv/pyvenv.cfg
ln -s /data/srv /srv
ln -s /data/srv/app /opt/app
