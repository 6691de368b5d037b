#!/bin/sh
# What can be seen without a request is as approved; a request would change the log.
# host: services
# double: model
# params: {baseline: "{here}/approved.baseline"}
mkdir -p /srv/models/double-1 && echo weights > /srv/models/double-1/model.safetensors
AS=vllm /opt/double/start serve --served-model-name double-1 --model /srv/models/double-1 --log /srv/requests.log
