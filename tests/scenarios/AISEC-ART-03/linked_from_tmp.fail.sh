#!/bin/sh
# The declared path is a link in a directory of somebody else.
# params: {model_dirs: [/opt/serving/models]}
set -e
install -d -o ai_user -g ai_team -m 0750 /srv/models
echo weights >/srv/models/model.safetensors
chown ai_user:ai_team /srv/models/model.safetensors
chmod 0640 /srv/models/model.safetensors
install -d -o operator /opt/serving
ln -s /srv/models /opt/serving/models
