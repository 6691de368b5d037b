#!/bin/sh
# No model directory.
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
rm -rf /srv/models
