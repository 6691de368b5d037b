#!/bin/sh
# A flood in a log whose times are the host's, five hours behind, and do not say so.
mkdir -p /var/log/api
for n in $(seq 30); do
    printf '{"timestamp": "%s", "status_code": 401, "client_ip": "198.51.100.9"}\n' "$(TZ=EST5 date '+%F %T,123')"
done > /var/log/api/api_access.log
