#!/bin/sh
# The release that stole credentials.
# advisories: advisories
# params: {db_max_age_days: 36500}
d=/opt/app/lib/python3.11/site-packages
mkdir -p $d/litellm-1.82.8.dist-info
