#!/bin/sh
# Nobody else reaches it.
# The model server is a double that plays answers of vLLM.
# host: services
# lib: double vllm
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
