#!/bin/sh
# The model server listens for everybody, without TLS.
# The model server is a double.
# host: services
# lib: double
ANSWERS='{"GET /v1/models": [200, "{}"]}'
double vllm 8000 serve tiny --host 0.0.0.0 --port 8000
