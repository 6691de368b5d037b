#!/bin/sh
# A second name of the same file, outside.
# params: {min_mb: 1}
mkdir -p /srv/models /var/tmp/x
head -c 1200000 /dev/urandom >/srv/models/model.safetensors
ln /srv/models/model.safetensors /var/tmp/x/model.safetensors
