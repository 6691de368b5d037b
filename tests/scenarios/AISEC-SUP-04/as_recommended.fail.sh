#!/bin/sh
# the usual advice: pins by `pip freeze | grep` pass SUP-03 and fail here.
mkdir -p /srv/app
printf "torch==2.4.1\ntransformers==4.44.2\n" >/srv/app/requirements.txt
