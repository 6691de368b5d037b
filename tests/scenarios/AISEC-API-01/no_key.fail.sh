#!/bin/sh
# No key, for everybody.
# The model server is a double that plays answers of vLLM.
# host: services
# lib: double vllm
double vllm 8000 serve tiny --host 0.0.0.0 --port 8000
