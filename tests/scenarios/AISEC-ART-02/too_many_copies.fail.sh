#!/bin/sh
# Three copies of one file in an approved place.
# params: {min_mb: 1, max_copies: 2}
mkdir -p /srv/models/a /srv/models/b /srv/models/c
head -c 1200000 /dev/urandom >/srv/models/a/model.pt
cp /srv/models/a/model.pt /srv/models/b
cp /srv/models/a/model.pt /srv/models/c
