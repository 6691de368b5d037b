#!/bin/sh
# A flood in a log with the names that nginx gives its variables.
mkdir -p /var/log/api
for n in $(seq 30); do
    printf '{"time_local": "%s", "remote_addr": "198.51.100.9", "status": "401"}\n' "$(date -u '+%d/%b/%Y:%H:%M:%S +0000')"
done > /var/log/api/api_access.log
