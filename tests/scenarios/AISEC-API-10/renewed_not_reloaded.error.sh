#!/bin/sh
# The certificate is renewed, and nginx still shows the old one.
# The model server is a double behind a real nginx.
# host: services
# lib: double proxy certificate
# params: {ca_file: /etc/ssl/lab-ca.pem}
# reason: stale
ANSWERS='{"GET /v1/models": [200, "{}"]}'
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
certificate api.example.com 3
tls_proxy 'ssl_protocols TLSv1.2 TLSv1.3;'
wait_for pgrep -P "$(cat /run/nginx.pid)"
certificate api.example.com 90
