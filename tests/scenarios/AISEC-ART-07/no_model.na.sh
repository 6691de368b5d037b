#!/bin/sh
# No model directory.
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
set -e
rm -rf /srv/models
