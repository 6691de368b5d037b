#!/bin/sh
# A list of pip freeze has what is not there.
# params: {environments: [{path: /srv/app/venv, lock: /srv/app/requirements.txt}]}
mkdir -p /srv/app/venv/lib/python3.11/site-packages/torch-2.4.1.dist-info
printf "torch==2.4.1\nsafetensors==0.4.5\n" >/srv/app/requirements.txt
