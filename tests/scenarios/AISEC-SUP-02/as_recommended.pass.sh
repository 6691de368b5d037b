#!/bin/sh
# An environment after its packages have been upgraded, as safety or pip-audit recommend.
d=/srv/app/venv/lib/python3.11/site-packages
mkdir -p $d/torch-2.10.0.dist-info $d/transformers-5.3.0.dist-info $d/vllm-0.24.0.dist-info
