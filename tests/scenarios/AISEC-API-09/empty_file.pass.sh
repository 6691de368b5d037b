#!/bin/sh
# The file of --config says nothing.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
ANSWERS={}
: > /etc/vllm.yaml
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000 --config /etc/vllm.yaml
