#!/bin/sh
# A second server, for another model, at another port.
# host: services
# double: model
# params: {baseline: "{here}/approved.baseline"}
# active: yes
mkdir -p /srv/models/double-1 && echo weights > /srv/models/double-1/model.safetensors
AS=vllm /opt/double/start serve --served-model-name double-1 --model /srv/models/double-1 --port 8000
ln -s model.py /opt/double/llama-server
systemd-run -q --unit=other /opt/double/llama-server --model /srv/models/other.gguf --port 8081
wait_for listens 8081
