#!/bin/sh
# A typo in the declared root.
# advisories: advisories
# params: {db_max_age_days: 36500, env_roots: [/opt/ap]}
mkdir -p /opt/app/lib/python3.11/site-packages/numpy-1.26.4.dist-info
