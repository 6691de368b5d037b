#!/bin/sh
# The advisory about keras does not say which versions it means.
# advisories: advisories
# params: {db_max_age_days: 36500}
d=/opt/app/lib/python3.11/site-packages
mkdir -p $d/keras-3.12.0.dist-info
