#!/bin/sh
# A model without a key, in a process that an account calls prometheus.
# The model server is a double that plays answers of vLLM.
# host: services
# lib: double vllm
# active: yes
double prometheus 8000 --host 0.0.0.0 --port 8000
