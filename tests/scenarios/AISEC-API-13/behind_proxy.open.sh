#!/bin/sh
# What the proxy lets through does not show.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double proxy
ANSWERS={}
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
proxy <<C
server { listen 80; location / { proxy_pass http://127.0.0.1:8000; } }
C
