#!/bin/sh
# A vendor's build is named after the release that mends it: the version does not tell.
# advisories: advisories
# params: {db_max_age_days: 36500}
d=/opt/app/lib/python3.11/site-packages
mkdir -p $d/torch-2.6.0a0+df5bbc09d1.nv25.1.dist-info
