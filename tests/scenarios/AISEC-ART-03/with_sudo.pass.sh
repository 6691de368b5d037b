#!/bin/sh
# With sudo the auditor sees everything.
# as: operator
# sudo: yes
set -e
install -d -o ai_user -g ai_team -m 0750 /srv/models
echo weights >/srv/models/model.safetensors
chown ai_user:ai_team /srv/models/model.safetensors
chmod 0640 /srv/models/model.safetensors
