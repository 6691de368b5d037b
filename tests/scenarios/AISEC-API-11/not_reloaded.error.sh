#!/bin/sh
# The limit is written down, and nginx was not reloaded.
# The model server is a double behind a real nginx.
# host: services
# lib: double proxy
# reason: stale
ANSWERS='{"*": [200, "{}"]}'
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
proxy <<'C'
server { listen 80; location / { proxy_pass http://127.0.0.1:8000; } }
C
wait_for pgrep -P "$(cat /run/nginx.pid)"
cat > /etc/nginx/conf.d/api.conf <<'C'
limit_req_zone $binary_remote_addr zone=api:10m rate=10r/s;
server { listen 80; limit_req zone=api burst=20; limit_req_status 429; location / { proxy_pass http://127.0.0.1:8000; } }
C
