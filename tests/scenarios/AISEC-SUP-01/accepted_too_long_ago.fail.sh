#!/bin/sh
# What was accepted until a day counts again after it.
# advisories: advisories
# params: {db_max_age_days: 36500, accepted: [{id: CVE-2024-11392, reason: for now, expires: 2020-01-01}]}
mkdir -p /opt/app/lib/python3.11/site-packages/transformers-4.40.0.dist-info
