#!/bin/sh
# The declared environment has nothing in it.
# lib: uv_project
# params: {environments: [{path: /opt/app/.venv, lock: /opt/app/uv.lock}]}
uv_project
