#!/bin/sh
# The profile wants hashes for everything.
# params: {require_all: true}
mkdir -p /srv/app
printf "numpy==1.26.4\n" >/srv/app/requirements.txt
