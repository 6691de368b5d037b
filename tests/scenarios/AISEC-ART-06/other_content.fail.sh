#!/bin/sh
# A name of a container, and something else in it.
mkdir -p /srv/models
echo hello >/srv/models/a.safetensors
