#!/bin/sh
# It answers 200, with an error in it: neither refused nor served.
# The model server is a double that plays answers of vLLM.
# host: services
# lib: double
# active: yes
# reason: parse
ANSWERS='{"GET /v1/models": [200, "{\"error\": {\"message\": \"invalid api key\"}}"]}' SET='-EVLLM_API_KEY=Ahx3eiPh7oox -EDOUBLE_KEY=Ahx3eiPh7oox'
double vllm 8000 serve tiny --host 0.0.0.0 --port 8000
