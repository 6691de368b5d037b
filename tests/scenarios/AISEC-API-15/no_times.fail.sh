#!/bin/sh
# Status and client alone, as jq needs them to count: a flood.
mkdir -p /var/log/api
for n in $(seq 30); do
    printf '{"status_code": 401, "client_ip": "198.51.100.9"}\n'
done > /var/log/api/api_access.log
