#!/bin/sh
# An import that no list knows.
mkdir -p /srv/models
printf '\200\002cmylib.loading\nLoader\n)R.' >/srv/models/model.ckpt
