#!/bin/sh
# An egg-info without version in its name; PKG-INFO has it.
# advisories: advisories
# params: {db_max_age_days: 36500}
d=/opt/app/lib/python3.11/site-packages
mkdir -p $d/Transformers.egg-info
printf "Metadata-Version: 2.1\nName: transformers\nVersion: 4.40.0\n\nText\n" >$d/Transformers.egg-info/PKG-INFO
