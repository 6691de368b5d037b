#!/bin/sh
# Development mode, in the environment.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
ANSWERS={}
SET=-EVLLM_SERVER_DEV_MODE=1
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
