#!/bin/sh
# The last request was logged two days ago.
# reason: stale
mkdir -p /var/log/api
line() { printf '{"timestamp": "%s", "client_ip": "203.0.113.5", "method": "POST", "path": "/v1/chat/completions", "status_code": %s, "principal": "%s", "request_id": "r-%s", "model": "tiny"}\n' "$(date -u +%FT%TZ)" "$1" "$2" "$3"; }
line 200 team-a 1 | sed "s/\"timestamp\": \"[^\"]*\"/\"timestamp\": \"$(date -u -d -2days +%FT%TZ)\"/" > /var/log/api/api_access.log
