#!/bin/sh
# A name of a pickle, and a content that nothing is known of.
# reason: parse
mkdir -p /srv/models
head -c 100 /dev/zero >/srv/models/model.pt
