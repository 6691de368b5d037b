#!/bin/sh
# It is busy, and says so before it asks for a key: whether it would answer is not seen.
# The model server is a double that plays answers of vLLM.
# host: services
# lib: double
# active: yes
# reason: unreadable
ANSWERS='{"GET /v1/models": [429, "{\"error\": {\"message\": \"slow down\"}}"]}' SET='-EVLLM_API_KEY=Ahx3eiPh7oox -EDOUBLE_KEY=Ahx3eiPh7oox'
double vllm 8000 serve tiny --host 0.0.0.0 --port 8000
