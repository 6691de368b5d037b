#!/bin/sh
# The file of --config is older than the server, and has none of the switches.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
ANSWERS={}
printf "max_model_len: 4096\n" > /etc/vllm.yaml
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000 --config /etc/vllm.yaml
