#!/bin/sh
# nginx asks for a key on the one route that it passes on.
# The model server is a double that plays answers of vLLM.
# host: services
# lib: double proxy vllm
# active: yes
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
proxy <<'C'
map $http_authorization $known { default 0; "Bearer Ahx3eiPh7oox" 1; }
server { listen 80;
location / { return 404; }
location = /v1/chat/completions { if ($known = 0) { return 401; } proxy_pass http://127.0.0.1:8000; } }
C
