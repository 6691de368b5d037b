#!/bin/sh
# A log that `jq '. | select(.status_code == 401) | .client_ip' api_access.log` can read.
mkdir -p /var/log/api
line() { printf '{"timestamp": "%s", "client_ip": "203.0.113.5", "method": "POST", "path": "/v1/chat/completions", "status_code": %s, "principal": "%s", "request_id": "r-%s", "model": "tiny"}\n' "$(date -u +%FT%TZ)" "$1" "$2" "$3"; }
for n in 1 2 3 4 5 6 7 8; do line 200 team-a $n; line 401 - $n; done > /var/log/api/api_access.log
