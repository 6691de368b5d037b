#!/bin/sh
# The last request was logged two days ago.
# lib: access_log
# reason: stale
mkdir -p /var/log/api
line 200 team-a 1 | sed "s/\"timestamp\": \"[^\"]*\"/\"timestamp\": \"$(date -u -d -2days +%FT%TZ)\"/" > /var/log/api/api_access.log
