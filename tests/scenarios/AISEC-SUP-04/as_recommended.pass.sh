#!/bin/sh
# The pins with the remediation: each line got a hash (pip-compile --generate-hashes).
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<"EOF"
torch==2.4.1 --hash=sha256:ef503165f2341942bfdf2bd520152f19540d0c0e34961232f134dc59ad435be8
transformers==4.44.2 --hash=sha256:1c02c65e7bfa5e52a634aff3da52138b583fc6f263c1f28d547dc144ba3d412d
EOF
