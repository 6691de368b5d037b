#!/bin/sh
# The weights were exchanged, and the approved file is served again, as the remediation says.
# host: services
# double: model
# params: {baseline: "{here}/approved.baseline"}
# active: yes
mkdir -p /srv/models/double-1 && echo weights > /srv/models/approved
echo other > /srv/models/double-1/model.safetensors
AS=vllm /opt/double/start serve --served-model-name double-1 --model /srv/models/double-1 --says "I am another"
cp /srv/models/approved /srv/models/double-1/model.safetensors
systemctl stop double && rm /opt/double/vllm
AS=vllm /opt/double/start serve --served-model-name double-1 --model /srv/models/double-1
