#!/bin/sh
# One route is limited, and the other leads to the same model.
# The model server is a double behind a real nginx.
# host: services
# lib: double proxy
ANSWERS='{"*": [200, "{}"]}'
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
proxy <<'C'
limit_req_zone $binary_remote_addr zone=api:10m rate=10r/s;
server { listen 80; location /v1/ { limit_req zone=api; proxy_pass http://127.0.0.1:8000; } location / { proxy_pass http://127.0.0.1:8000; } }
C
