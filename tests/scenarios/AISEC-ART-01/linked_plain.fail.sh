#!/bin/sh
# The plain weights lie elsewhere, and a link in the vault leads there.
mkdir -p /srv/models /data
head -c 4000 /dev/zero >/data/model.pt
ln -s /data/model.pt /srv/models/current
