#!/bin/sh
# One is closed; another, whose name says nothing, is open, over IPv6 alone.
# The model server is a double that plays answers of vLLM.
# host: services
# lib: double vllm
# active: yes
SET='-EVLLM_API_KEY=Ahx3eiPh7oox -EDOUBLE_KEY=Ahx3eiPh7oox -EDOUBLE_PREFIX_AUTH=/'; double vllm 8000 serve tiny --host 0.0.0.0 --port 8000
SET=; ip -6 addr add fd00:77::5/64 dev eth0 nodad
double gateway 9443 --host fd00:77::5 --port 9443
