#!/bin/sh
# The file of --config names a certificate since the model server has read it.
# The model server is a double.
# host: services
# lib: double certificate
# params: {ca_file: /etc/ssl/lab-ca.pem}
# reason: stale
ANSWERS='{"GET /v1/models": [200, "{}"]}'
certificate api.example.com 90
echo 'max-model-len: 2048' > /etc/vllm.yaml
double vllm 8000 serve tiny --host 0.0.0.0 --port 8000 --config /etc/vllm.yaml
printf 'ssl-certfile: /etc/ssl/api.pem\nssl-keyfile: /etc/ssl/api.key\n' > /etc/vllm.yaml
