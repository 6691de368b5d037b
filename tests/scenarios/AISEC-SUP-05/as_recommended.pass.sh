#!/bin/sh
# An environment made from what pip freeze wrote.
# params: {environments: [{path: /srv/app/venv, lock: /srv/app/requirements.txt}]}
d=/srv/app/venv/lib/python3.11/site-packages
mkdir -p $d/torch-2.4.1.dist-info $d/transformers-4.44.2.dist-info $d/pip-24.2.dist-info
cat >/srv/app/requirements.txt <<"EOF"
torch==2.4.1
transformers==4.44.2
pywin32==306 ; sys_platform == "win32"
EOF
