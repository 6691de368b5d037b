#!/bin/sh
# jq finds no 401 where the status is a text.
mkdir -p /var/log/api
line() { printf '{"timestamp": "%s", "client_ip": "203.0.113.5", "method": "POST", "path": "/v1/chat/completions", "status_code": %s, "principal": "%s", "request_id": "r-%s", "model": "tiny"}\n' "$(date -u +%FT%TZ)" "$1" "$2" "$3"; }
for n in 1 2 3 4 5; do line '"401"' team-a $n; done > /var/log/api/api_access.log
