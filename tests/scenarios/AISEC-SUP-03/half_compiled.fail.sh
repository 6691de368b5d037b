#!/bin/sh
# Of two wishes in requirements.in, one was compiled into requirements.txt.
mkdir -p /srv/app
printf 'torch>=2\ntransformers>=4\n' > /srv/app/requirements.in
printf 'torch==2.4.1\n    # via -r requirements.in\n' > /srv/app/requirements.txt
