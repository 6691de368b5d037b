#!/bin/sh
# A file that nobody signed for.
# lib: signed_model
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
signed_model
echo 'import os' >modeling.py
