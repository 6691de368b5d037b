#!/bin/sh
# AES with a short key, in ASCII armour.
# host: services
mkdir -p /srv/models
cd /srv/models
head -c 3000 /dev/urandom >model.safetensors
echo correct horse battery | gpg --batch --passphrase-fd 0 --pinentry-mode loopback --armor --symmetric --cipher-algo AES128 model.safetensors
rm model.safetensors
