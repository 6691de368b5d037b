#!/bin/sh
# The first protocol, which is text.
mkdir -p /srv/models
printf 'cposix\ngetcwd\n(tR.' >/srv/models/scaler.pkl
