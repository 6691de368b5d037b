#!/bin/sh
# A pickle that calls itself safetensors.
set -e
mkdir -p /srv/models
printf '\200\002}q\000.' >/srv/models/model.safetensors
