#!/bin/sh
# Everybody is sent to a log-in.
# The model server is a double that plays answers of vLLM.
# host: services
# lib: double
# active: yes
ANSWERS='{"*": [302, "", "https://sso.example.com/login"]}' SET='-EVLLM_API_KEY=Ahx3eiPh7oox -EDOUBLE_KEY=Ahx3eiPh7oox'
double vllm 8000 serve tiny --host 0.0.0.0 --port 8000
