#!/bin/sh
# Images from any server.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
ANSWERS={}
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000 --limit-mm-per-prompt image=2
