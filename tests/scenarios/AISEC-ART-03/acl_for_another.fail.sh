#!/bin/sh
# The modes look private, but an access control list lets another account in.
# lib: private_models
# remedy: {}
private_models
setfacl -m u:auditor:rx /srv/models
setfacl -m u:auditor:r /srv/models/model.safetensors
