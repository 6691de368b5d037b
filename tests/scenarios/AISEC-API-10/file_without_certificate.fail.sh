#!/bin/sh
# Neither arguments nor the file of --config name a certificate.
# The model server is a double.
# host: services
# lib: double
ANSWERS='{"GET /v1/models": [200, "{}"]}'
echo 'max-model-len: 2048' > /etc/vllm.yaml
double vllm 8000 serve tiny --host 0.0.0.0 --port 8000 --config /etc/vllm.yaml
