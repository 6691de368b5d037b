#!/bin/sh
# A proxy without limits.
# The model server is a double behind a real nginx.
# host: services
# lib: double proxy
ANSWERS='{"*": [200, "{}"]}'
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
proxy <<'C'
server { listen 80; location / { proxy_pass http://127.0.0.1:8000; } }
C
