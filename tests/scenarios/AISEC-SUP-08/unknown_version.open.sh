#!/bin/sh
# A version that nobody can compare.
# advisories: advisories
# params: {db_max_age_days: 36500}
d=/opt/app/lib/python3.11/site-packages
mkdir -p $d/litellm-local_build.dist-info
