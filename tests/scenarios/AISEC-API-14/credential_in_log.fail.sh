#!/bin/sh
# One line in 300 shows a key in a query.
mkdir -p /var/log/api
line() { printf '{"timestamp": "%s", "client_ip": "203.0.113.5", "method": "POST", "path": "/v1/chat/completions", "status_code": %s, "principal": "%s", "request_id": "r-%s", "model": "tiny"}\n' "$(date -u +%FT%TZ)" "$1" "$2" "$3"; }
for n in $(seq 300); do line 200 team-a $n; done > /var/log/api/api_access.log
line 200 team-a x | sed 's#/v1/chat/completions#/v1/models?api_key=Zx81kkQ2mmnd#' >> /var/log/api/api_access.log
