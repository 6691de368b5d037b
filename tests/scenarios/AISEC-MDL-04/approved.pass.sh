#!/bin/sh
# Arguments, files, listed id and answers are as approved.
# host: services
# double: model
# params: {baseline: "{here}/approved.baseline"}
# active: yes
mkdir -p /srv/models/double-1 && echo weights > /srv/models/double-1/model.safetensors
AS=vllm /opt/double/start serve --served-model-name double-1 --model /srv/models/double-1
