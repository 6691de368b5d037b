#!/bin/sh
# Weights that anybody on the host may read.
# lib: private_models
# remedy: {}
private_models
chmod 0644 /srv/models/model.safetensors
