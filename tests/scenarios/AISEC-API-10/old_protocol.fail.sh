#!/bin/sh
# As Debian installs nginx: TLS 1.0 stands in the list that all servers inherit.
# The model server is a double behind a real nginx.
# host: services
# lib: double proxy certificate
# params: {ca_file: /etc/ssl/lab-ca.pem}
ANSWERS='{"GET /v1/models": [200, "{}"]}'
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
certificate api.example.com 90
tls_proxy
