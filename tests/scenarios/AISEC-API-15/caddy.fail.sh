#!/bin/sh
# A flood in Caddy's own log, which has the client in an object.
mkdir -p /var/log/api
for n in $(seq 30); do
    printf '{"level": "info", "ts": %s, "logger": "http.log.access", "request": {"remote_ip": "198.51.100.9", "remote_port": "%s", "client_ip": "198.51.100.9", "method": "GET", "uri": "/v1/models"}, "status": 401}\n' "$(date +%s.5)" "4$n"
done > /var/log/api/api_access.log
