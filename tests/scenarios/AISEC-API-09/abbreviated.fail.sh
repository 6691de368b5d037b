#!/bin/sh
# Python takes an abbreviation, too.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# lib: double
ANSWERS={}
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000 --allowed_local_media=/
