#!/bin/sh
# vLLM with a critical hole, in a virtual environment.
mkdir -p /srv/serve/.venv/lib/python3.12/site-packages/vllm-0.11.0.dist-info
