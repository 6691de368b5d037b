#!/bin/sh
# What uv sync leaves: what is only for other platforms is not installed.
# lib: uv_project
# params: {environments: [{path: /opt/app/.venv, lock: /opt/app/uv.lock}]}
uv_project
mkdir $d/app-1.1.dist-info $d/torch-2.4.1.dist-info $d/pip-24.2.dist-info
