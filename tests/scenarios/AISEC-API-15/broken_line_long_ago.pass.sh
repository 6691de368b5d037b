#!/bin/sh
# A line was broken before the time that is judged.
mkdir -p /var/log/api
{
    echo oops
    printf '{"timestamp": "%s", "status_code": 200, "client_ip": "198.51.100.9"}\n' "$(date -u -d '-3 hours' +%Y-%m-%dT%H:%M:%SZ)"
    printf '{"timestamp": "%s", "status_code": 200, "client_ip": "198.51.100.9"}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
} > /var/log/api/api_access.log
