#!/bin/sh
# The switch stands in the file of --config.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
ANSWERS={}
printf "enable_prompt_embeds: true\n" > /etc/vllm.yaml
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000 --config /etc/vllm.yaml
