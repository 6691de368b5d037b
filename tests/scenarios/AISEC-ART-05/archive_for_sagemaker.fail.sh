#!/bin/sh
# A compressed tar archive with a pickle in it.
mkdir -p /srv/models
printf 'cposix\ngetcwd\n(tR.' >/tmp/model.pkl
tar -C /tmp -cf - model.pkl | gzip >/srv/models/model.tar.gz
rm /tmp/model.pkl
