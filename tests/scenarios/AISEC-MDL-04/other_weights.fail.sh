#!/bin/sh
# The file was exchanged; seen without a request.
# host: services
# double: model
# params: {baseline: "{here}/approved.baseline"}
mkdir -p /srv/models/double-1 && echo weights > /srv/models/double-1/model.safetensors
echo other >> /srv/models/double-1/model.safetensors
AS=vllm /opt/double/start serve --served-model-name double-1 --model /srv/models/double-1
