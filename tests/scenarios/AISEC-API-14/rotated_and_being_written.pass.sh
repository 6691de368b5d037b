#!/bin/sh
# Just rotated; the first line of the new file is not finished.
# lib: access_log
mkdir -p /var/log/api
for n in 1 2 3 4; do line 200 team-a $n; done > /var/log/api/api_access.log.1
printf '{"timest' > /var/log/api/api_access.log
