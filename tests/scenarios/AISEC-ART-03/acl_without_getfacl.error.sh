#!/bin/sh
# There is an access control list, and nothing to read it with.
# reason: tool_missing
set -e
install -d -o ai_user -g ai_team -m 0750 /srv/models
echo weights >/srv/models/model.safetensors
chown ai_user:ai_team /srv/models/model.safetensors
chmod 0640 /srv/models/model.safetensors
setfacl -m g:ai_team:rx /srv/models
rm -f /usr/bin/getfacl /bin/getfacl
