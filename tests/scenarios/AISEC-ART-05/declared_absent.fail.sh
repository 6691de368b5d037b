#!/bin/sh
# The directory named is not there.
# params: {model_dirs: [/srv/modles]}
set -e
mkdir -p /srv/models
