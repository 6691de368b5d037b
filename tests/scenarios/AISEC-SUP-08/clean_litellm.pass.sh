#!/bin/sh
# Releases before and after the malicious ones.
# advisories: advisories
# params: {db_max_age_days: 36500}
d=/opt/app/lib/python3.11/site-packages
mkdir -p $d/litellm-1.82.6.dist-info $d/ultralytics-8.3.47.dist-info $d/torch_helper_zz-1.0.1.dist-info
