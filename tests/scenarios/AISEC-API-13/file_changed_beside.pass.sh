#!/bin/sh
# The file of --config is younger than the server, whose arguments say the same and count before it.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
ANSWERS={}
echo "max_logprobs: 20" > /etc/vllm.yaml
double vllm 8000 serve tiny --host 0.0.0.0 --port 8000 --config /etc/vllm.yaml --max-logprobs 0
echo "max_logprobs: 0" > /etc/vllm.yaml
