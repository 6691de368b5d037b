#!/bin/sh
# A typo in the path of the environment.
# params: {environments: [{path: /opt/app/venv, lock: /opt/app/requirements.txt}]}
mkdir -p /opt/app
: >/opt/app/requirements.txt
