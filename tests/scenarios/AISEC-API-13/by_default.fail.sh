#!/bin/sh
# As installed, 20 for each token.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
ANSWERS={}
double vllm 8000 serve tiny --host 0.0.0.0 --port 8000
