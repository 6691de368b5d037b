#!/bin/sh
# The advisory is accepted for a reason and a time.
# advisories: advisories
# params: {db_max_age_days: 36500, accepted: [{id: CVE-2024-11392, package: transformers, reason: MobileViTV2 is not used, expires: 2999-12-31}]}
mkdir -p /opt/app/lib/python3.11/site-packages/transformers-4.40.0.dist-info
