#!/bin/sh
# Plain weights, which nobody else may read.
# host: services
# lib: private_models
# remedy: {FILE: /srv/models/model.pt, PASSPHRASE_FILE: /root/passphrase}
private_models
rm /srv/models/model.safetensors
head -c 3000 /dev/urandom > /srv/models/model.pt
chown ai_user:ai_team /srv/models/model.pt
chmod 0640 /srv/models/model.pt
(umask 077; echo correct horse battery > /root/passphrase)
