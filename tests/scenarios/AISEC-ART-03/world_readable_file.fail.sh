#!/bin/sh
# Weights that anybody on the host may read.
# lib: private_models
private_models
chmod 0644 /srv/models/model.safetensors
