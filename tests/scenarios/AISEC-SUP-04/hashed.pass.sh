#!/bin/sh
# What pip-compile --generate-hashes writes.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<"EOF"
torch==2.4.1 \
    --hash=sha256:0b5f88afdfa05a335d80351e3cea57d38e578c8689f751d35e0ff36bce872113 \
    --hash=sha256:ef503165f2341942bfdf2bd520152f19540d0c0e34961232f134dc59ad435be8
    # via -r requirements.in
numpy==1.26.4
EOF
printf "torch==2.4.1\n" >/srv/app/requirements.in
