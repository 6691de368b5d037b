#!/bin/sh
# A typo in the path of the lock file.
# params: {environments: [{path: /opt/app/.venv, lock: /opt/app/uv.lcok}]}
mkdir -p /opt/app/.venv/lib/python3.11/site-packages/torch-2.4.1.dist-info
