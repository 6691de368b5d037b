#!/bin/sh
# The log is closed to the auditor.
# as: auditor
# reason: privilege
mkdir -p /var/log/api
line() { printf '{"timestamp": "%s", "client_ip": "203.0.113.5", "method": "POST", "path": "/v1/chat/completions", "status_code": %s, "principal": "%s", "request_id": "r-%s", "model": "tiny"}\n' "$(date -u +%FT%TZ)" "$1" "$2" "$3"; }
line 200 team-a 1 > /var/log/api/api_access.log
chmod 700 /var/log/api
