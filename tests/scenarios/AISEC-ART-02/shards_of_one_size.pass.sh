#!/bin/sh
# Parts of one model that are equally large, and begin and end alike, are no copies.
# params: {min_mb: 1, max_copies: 1}
mkdir -p /srv/models
for part in 1 2 3; do
    { head -c 2000 /dev/zero; head -c 1200000 /dev/urandom; head -c 30 /dev/zero; } >/srv/models/model-0000$part.bin
done
