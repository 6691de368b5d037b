#!/bin/sh
# The directory named is not there.
# params: {model_dirs: [/srv/modles]}
mkdir -p /srv/models
