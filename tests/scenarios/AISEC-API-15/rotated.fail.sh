#!/bin/sh
# The refusals stand in the rotated file, the new one is clean.
mkdir -p /var/log/api; n=0; while [ $n -lt 30 ]; do echo "{\"timestamp\": \"$(date -u +%FT%TZ)\", \"client_ip\": \"203.0.113.5\", \"status_code\": 403}"; n=$((n+1)); done > /var/log/api/api_access.log
mv /var/log/api/api_access.log /var/log/api/api_access.log.1
mkdir -p /var/log/api; n=0; while [ $n -lt 30 ]; do echo "{\"timestamp\": \"$(date -u +%FT%TZ)\", \"client_ip\": \"203.0.113.5\", \"status_code\": 200}"; n=$((n+1)); done > /var/log/api/api_access.log
