#!/bin/sh
# A directory whose name begins like an approved one.
# params: {min_mb: 1}
mkdir -p /srv/models-old
head -c 1200000 /dev/urandom >/srv/models-old/model.pt
