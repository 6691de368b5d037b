#!/bin/sh
# The server runs without the switch; its file has it since, so that the next start turns it on.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
ANSWERS={}
printf "max_model_len: 4096\n" > /etc/vllm.yaml
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000 --config /etc/vllm.yaml
printf "enable_prompt_embeds: true\n" > /etc/vllm.yaml
