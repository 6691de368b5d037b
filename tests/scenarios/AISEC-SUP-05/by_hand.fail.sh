#!/bin/sh
# Somebody installed one more package.
# lib: uv_project
# params: {environments: [{path: /opt/app/.venv, lock: /opt/app/uv.lock}]}
uv_project
mkdir $d/app-1.0.dist-info $d/torch-2.4.1.dist-info $d/gpu_miner-0.3.dist-info
