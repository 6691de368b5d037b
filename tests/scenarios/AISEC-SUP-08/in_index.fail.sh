#!/bin/sh
# A release that only the advisories know.
# advisories: advisories
# params: {db_max_age_days: 36500}
d=/opt/app/lib/python3.11/site-packages
mkdir -p $d/torch_helper_zz-1.0.0.dist-info
