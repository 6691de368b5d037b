#!/bin/sh
# A pickle that calls itself safetensors.
mkdir -p /srv/models
printf '\200\002}q\000.' >/srv/models/model.safetensors
