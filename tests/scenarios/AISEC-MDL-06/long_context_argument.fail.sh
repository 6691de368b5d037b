#!/bin/sh
# The arguments grant more than is allowed; seen without a request.
# host: services
# double: model
AS=vllm /opt/double/start serve double --max-model-len 262144 --log /srv/requests.log
