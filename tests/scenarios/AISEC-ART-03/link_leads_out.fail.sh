#!/bin/sh
# The weights themselves lie outside, where anybody may read them.
set -e
install -d -o ai_user -g ai_team -m 0750 /srv/models
echo weights >/srv/models/model.safetensors
chown ai_user:ai_team /srv/models/model.safetensors
chmod 0640 /srv/models/model.safetensors
install -d /var/weights
mv /srv/models/model.safetensors /var/weights/
chmod 0644 /var/weights/model.safetensors
ln -s /var/weights/model.safetensors /srv/models/model.safetensors
chown -h ai_user:ai_team /srv/models/model.safetensors
