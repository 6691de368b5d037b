#!/bin/sh
# The environment lies on a file system that is mounted below a root.
# advisories: advisories
# params: {db_max_age_days: 36500}
d=/opt/app/lib/python3.11/site-packages
mkdir -p "/srv/data sets"
mount -t tmpfs tmpfs "/srv/data sets"
mkdir -p "/srv/data sets/venv/lib/python3.11/site-packages/torch-2.1.0.dist-info"
