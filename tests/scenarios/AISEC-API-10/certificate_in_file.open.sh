#!/bin/sh
# The file of --config names the certificate; which versions the model server agrees to does not show.
# The model server is a double.
# host: services
# lib: double certificate
# params: {ca_file: /etc/ssl/lab-ca.pem}
ANSWERS='{"GET /v1/models": [200, "{}"]}'
certificate api.example.com 90
printf 'ssl-certfile: /etc/ssl/api.pem\nssl-keyfile: /etc/ssl/api.key\n' > /etc/vllm.yaml
double vllm 8000 serve tiny --host 0.0.0.0 --port 8000 --config /etc/vllm.yaml
