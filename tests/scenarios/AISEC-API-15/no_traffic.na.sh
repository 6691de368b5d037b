#!/bin/sh
# All that was refused was refused hours ago, and nothing has come since.
mkdir -p /var/log/api; n=0; while [ $n -lt 30 ]; do echo "{\"timestamp\": \"$(date -u -d '3 hours ago' +%FT%TZ)\", \"client_ip\": \"203.0.113.5\", \"status_code\": 401}"; n=$((n+1)); done > /var/log/api/api_access.log
