#!/bin/sh
# A closed directory may hold anything.
# lib: signed_model
# as: auditor
# reason: privilege
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
signed_model
mkdir -m 700 hidden
