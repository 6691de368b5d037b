#!/bin/sh
# Weights where they belong, in two copies; a large file that is none elsewhere.
# params: {min_mb: 1}
mkdir -p /srv/models/a /srv/models/b
head -c 1200000 /dev/urandom >/srv/models/a/model.safetensors
cp /srv/models/a/model.safetensors /srv/models/b
ln /srv/models/b/model.safetensors /srv/models/b/linked.safetensors
head -c 1200000 /dev/zero >/root/backup.img
