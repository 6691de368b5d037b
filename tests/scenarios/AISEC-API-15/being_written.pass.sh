#!/bin/sh
# The last line is still being written.
mkdir -p /var/log/api; n=0; while [ $n -lt 30 ]; do echo "{\"timestamp\": \"$(date -u +%FT%TZ)\", \"client_ip\": \"203.0.113.5\", \"status_code\": 200}"; n=$((n+1)); done > /var/log/api/api_access.log
printf '{"timest' >> /var/log/api/api_access.log
