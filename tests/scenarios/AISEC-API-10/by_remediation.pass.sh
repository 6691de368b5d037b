#!/bin/sh
# nginx as the remediation says; what comes without TLS is sent on.
# The model server is a double behind a real nginx.
# host: services
# lib: double proxy certificate
# params: {ca_file: /etc/ssl/lab-ca.pem}
ANSWERS='{"GET /v1/models": [200, "{}"]}'
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
certificate api.example.com 90
proxy <<'C'
server { listen 80; listen [::]:80; server_name api.example.com; return 301 https://$host$request_uri; }
server { listen 443 ssl; server_name api.example.com; ssl_certificate /etc/ssl/api.pem; ssl_certificate_key /etc/ssl/api.key;
ssl_protocols TLSv1.2 TLSv1.3; location / { proxy_pass http://127.0.0.1:8000; } }
C
