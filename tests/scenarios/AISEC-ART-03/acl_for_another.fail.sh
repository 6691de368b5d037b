#!/bin/sh
# The modes look private, but an access control list lets another account in.
set -e
install -d -o ai_user -g ai_team -m 0750 /srv/models
echo weights >/srv/models/model.safetensors
chown ai_user:ai_team /srv/models/model.safetensors
chmod 0640 /srv/models/model.safetensors
setfacl -m u:auditor:rx /srv/models
setfacl -m u:auditor:r /srv/models/model.safetensors
