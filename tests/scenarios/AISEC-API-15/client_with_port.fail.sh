#!/bin/sh
# A flood from one client, each request from another port, which the log has behind the address.
mkdir -p /var/log/api
for n in $(seq 100 130); do
    printf '{"timestamp": "%s", "status_code": 401, "client_ip": "198.51.100.9:40%s"}\n' "$(date -u +%FT%TZ)" "$n"
done > /var/log/api/api_access.log
