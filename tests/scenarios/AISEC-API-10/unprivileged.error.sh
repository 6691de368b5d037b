#!/bin/sh
# Who listens is seen by root alone.
# The model server is a double behind a real nginx.
# host: services
# lib: double
# as: auditor
# reason: privilege
ANSWERS='{"GET /v1/models": [200, "{}"]}'
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
