#!/bin/sh
# An import that was looked at.
# params: {allow_globals: ["mylib.loading.*"]}
mkdir -p /srv/models
printf '\200\002cmylib.loading\nLoader\n)R.' >/srv/models/model.ckpt
