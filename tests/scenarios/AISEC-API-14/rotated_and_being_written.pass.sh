#!/bin/sh
# Just rotated; the first line of the new file is not finished.
mkdir -p /var/log/api
line() { printf '{"timestamp": "%s", "client_ip": "203.0.113.5", "method": "POST", "path": "/v1/chat/completions", "status_code": %s, "principal": "%s", "request_id": "r-%s", "model": "tiny"}\n' "$(date -u +%FT%TZ)" "$1" "$2" "$3"; }
for n in 1 2 3 4; do line 200 team-a $n; done > /var/log/api/api_access.log.1
printf '{"timest' > /var/log/api/api_access.log
