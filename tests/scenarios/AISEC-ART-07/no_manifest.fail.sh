#!/bin/sh
# No manifest at all.
# lib: signed_model
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
model
