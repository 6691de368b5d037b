#!/bin/sh
# The same names, and nobody is refused.
mkdir -p /var/log/api
for n in $(seq 30); do
    printf '{"@timestamp": "%s", "remote_addr": "198.51.100.9", "status": 200}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
done > /var/log/api/api_access.log
