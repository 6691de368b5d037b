#!/bin/sh
# The environment is seen by root alone.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
# as: auditor
# reason: privilege
ANSWERS={}
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
