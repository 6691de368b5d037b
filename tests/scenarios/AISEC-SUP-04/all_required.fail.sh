#!/bin/sh
# The profile wants hashes for everything.
# params: {require_all: true}
set -e
mkdir -p /srv/app
printf "numpy==1.26.4\n" >/srv/app/requirements.txt
