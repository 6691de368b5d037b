#!/bin/sh
# A file system mounted below is open to everybody.
# lib: private_models
private_models
install -d -o ai_user -g ai_team -m 0750 /srv/models/big
mount -t tmpfs -o mode=0750,uid=$(id -u ai_user),gid=$(getent group ai_team | cut -d: -f3) none /srv/models/big
echo weights >/srv/models/big/model.pt
chown ai_user:ai_team /srv/models/big/model.pt
chmod 0666 /srv/models/big/model.pt
