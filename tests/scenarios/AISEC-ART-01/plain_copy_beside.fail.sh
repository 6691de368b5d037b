#!/bin/sh
# Encrypted, and the plain file is still there.
# host: services
mkdir -p /srv/models
cd /srv/models
head -c 100000 /dev/urandom >model_weights.pth
echo correct horse battery | gpg --batch --passphrase-fd 0 --pinentry-mode loopback --symmetric --cipher-algo AES256 model_weights.pth
