#!/bin/sh
# Who listens is seen by root alone.
# The model server is a double that plays answers of vLLM.
# host: services
# lib: double vllm
# as: auditor
# reason: privilege
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
