#!/bin/sh
# The auditor may not read the weights.
# host: services
# double: model
# as: auditor
# params: {baseline: "{here}/approved.baseline"}
# active: yes
# reason: privilege
mkdir -p /srv/models/double-1 && echo weights > /srv/models/double-1/model.safetensors
chmod 600 /srv/models/double-1/model.safetensors
AS=vllm /opt/double/start serve --served-model-name double-1 --model /srv/models/double-1
