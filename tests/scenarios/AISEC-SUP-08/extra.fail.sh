#!/bin/sh
# A release that the profile adds.
# advisories: advisories
# params: {db_max_age_days: 36500, extra: ["inhouse-tool<2"]}
mkdir -p /opt/app/Inhouse_Tool-1.4-py3.11.egg/EGG-INFO
