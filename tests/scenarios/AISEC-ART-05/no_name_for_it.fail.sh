#!/bin/sh
# A pickle under a name that says nothing, behind a link.
mkdir -p /srv/models /data
printf '\200\002cposix\ngetcwd\n)R.' >/data/blob
ln -s /data/blob /srv/models/weights
