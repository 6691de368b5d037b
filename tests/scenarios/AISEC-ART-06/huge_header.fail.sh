#!/bin/sh
# A header that says it is longer than the file.
mkdir -p /srv/models
printf '\377\377\377\377\377\377\000\000{"a":1}' >/srv/models/a.safetensors
