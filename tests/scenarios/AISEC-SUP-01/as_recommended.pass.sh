#!/bin/sh
# What `pip install --upgrade` leaves in an environment that safety or pip-audit complained about.
# host: services
# advisories: advisories
# params: {db_max_age_days: 36500}
d=/srv/app/venv/lib/python3.11/site-packages
mkdir -p $d/torch-2.5.1.dist-info
rm -r $d/torch-2.5.1.dist-info
mkdir -p $d/torch-2.10.0.dist-info $d/safety-3.2.11.dist-info
