#!/bin/sh
# MD5, and a SHA-256 that is too short, are no SHA-256.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<"EOF"
torch==2.4.1 --hash=md5:d41d8cd98f00b204e9800998ecf8427e
transformers==4.44.2 --hash=sha256:abcd
EOF
