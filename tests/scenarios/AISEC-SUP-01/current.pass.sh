#!/bin/sh
# Every distribution is newer than what is known of it.
# advisories: advisories
# params: {db_max_age_days: 36500}
d=/opt/app/lib/python3.11/site-packages
mkdir -p $d/torch-2.10.0+cu126.dist-info $d/transformers-5.3.0.dist-info $d/numpy-1.26.4.dist-info
