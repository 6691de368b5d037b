#!/bin/sh
# The file of --config says none at all, and the server has read what it said before.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
# reason: stale
ANSWERS={}
echo "max_logprobs: 20" > /etc/vllm.yaml
double vllm 8000 serve tiny --host 0.0.0.0 --port 8000 --config /etc/vllm.yaml
echo "max_logprobs: 0" > /etc/vllm.yaml
