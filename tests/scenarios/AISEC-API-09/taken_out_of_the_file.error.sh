#!/bin/sh
# The switch was in the file of --config when the server started, and runs on.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
# reason: stale
ANSWERS={}
printf "enable_prompt_embeds: true\n" > /etc/vllm.yaml
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000 --config /etc/vllm.yaml
printf "max_model_len: 4096\n" > /etc/vllm.yaml
