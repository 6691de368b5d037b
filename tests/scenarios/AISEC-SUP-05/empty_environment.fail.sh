#!/bin/sh
# The declared environment has nothing in it.
# params: {environments: [{path: /opt/app/.venv, lock: /opt/app/uv.lock}]}
set -e
d=/opt/app/.venv/lib/python3.11/site-packages
mkdir -p $d
cat >/opt/app/uv.lock <<"EOF"
version = 1

[[package]]
name = "app"
version = "1.0"
source = { editable = "." }

[[package]]
name = "torch"
version = "2.4.1"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "colorama"
version = "0.4.6"
source = { registry = "https://pypi.org/simple" }
EOF
true
