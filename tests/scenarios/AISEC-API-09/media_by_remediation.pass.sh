#!/bin/sh
# Images from one server, without redirects.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
ANSWERS={}
SET=-EVLLM_MEDIA_URL_ALLOW_REDIRECTS=0
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000 --limit-mm-per-prompt image=2 --allowed-media-domains img.example.com
