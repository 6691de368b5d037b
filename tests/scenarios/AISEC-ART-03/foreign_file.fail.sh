#!/bin/sh
# One file belongs to somebody else, who can change it.
# lib: private_models
private_models
chown operator /srv/models/model.safetensors
