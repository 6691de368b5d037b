#!/bin/sh
# The limit is shared by all clients, counted only, and generous: three servers.
# The model server is a double behind a real nginx.
# host: services
# lib: double proxy
ANSWERS='{"*": [200, "{}"]}'
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
proxy <<'C'
limit_req_zone $server_name zone=all:10m rate=5r/s; limit_req_zone $binary_remote_addr zone=many:10m rate=1000r/s; limit_req_zone $binary_remote_addr zone=api:10m rate=10r/s;
server { listen 80; limit_req zone=all; location / { proxy_pass http://127.0.0.1:8000; } }
server { listen 81; limit_req zone=many; location / { proxy_pass http://127.0.0.1:8000; } }
server { listen 82; limit_req zone=api; limit_req_dry_run on; location / { proxy_pass http://127.0.0.1:8000; } }
C
