#!/bin/sh
# nginx asks for a key below /v1, and passes on everything else.
# The model server is a double that plays answers of vLLM.
# host: services
# lib: double proxy vllm
# active: yes
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
proxy <<'C'
server { listen 80;
location /v1/ { return 401; }
location / { proxy_pass http://127.0.0.1:8000; } }
C
