#!/bin/sh
# The log is closed to the auditor.
# as: auditor
# reason: privilege
mkdir -p /var/log/api; n=0; while [ $n -lt 30 ]; do echo "{\"timestamp\": \"$(date -u +%FT%TZ)\", \"client_ip\": \"203.0.113.5\", \"status_code\": 200}"; n=$((n+1)); done > /var/log/api/api_access.log
chmod 600 /var/log/api/api_access.log
