#!/bin/sh
# A file with open versions is no lock file.
# params: {environments: [{path: /srv/app/venv, lock: /srv/app/requirements.txt}]}
# reason: parse
mkdir -p /srv/app/venv/lib/python3.11/site-packages/torch-2.4.1.dist-info
printf "torch>=2\n" >/srv/app/requirements.txt
