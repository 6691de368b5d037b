#!/bin/sh
# The key covers /v1, and /tokenize and /invocations are open.
# The model server is a double that plays answers of vLLM.
# host: services
# lib: double vllm
# active: yes
SET='-EVLLM_API_KEY=Ahx3eiPh7oox -EDOUBLE_KEY=Ahx3eiPh7oox -EDOUBLE_PREFIX_AUTH=/v1'
double vllm 8000 serve tiny --host 0.0.0.0 --port 8000
