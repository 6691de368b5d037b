#!/bin/sh
# Another version than the locked one, a local build.
# lib: uv_project
# params: {environments: [{path: /opt/app/.venv, lock: /opt/app/uv.lock}]}
uv_project
mkdir $d/torch-2.4.1+patched.dist-info
