#!/bin/sh
# A log that `jq '. | select(.status_code == 401) | .client_ip' api_access.log` can read.
# lib: access_log
mkdir -p /var/log/api
for n in 1 2 3 4 5 6 7 8; do line 200 team-a $n; line 401 - $n; done > /var/log/api/api_access.log
