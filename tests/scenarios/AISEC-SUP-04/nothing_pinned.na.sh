#!/bin/sh
# What is not pinned is for AISEC-SUP-03.
mkdir -p /srv/app
printf "torch>=2\nnumpy==1.26.4\n" >/srv/app/requirements.txt
