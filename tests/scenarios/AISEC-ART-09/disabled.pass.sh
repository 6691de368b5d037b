#!/bin/sh
# A server without the option, a file that says false, a model card that says otherwise.
# lib: serving
serving /usr/local/bin/vllm serve /srv/models/m --port 8000
mkdir -p /srv/models/m /etc/vllm
echo 'trust_remote_code: false' >/etc/vllm/config.yaml
echo 'AutoModel.from_pretrained("m", trust_remote_code=True)' >/srv/models/m/README.md
