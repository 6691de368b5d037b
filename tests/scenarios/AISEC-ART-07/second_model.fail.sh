#!/bin/sh
# A model beside the signed one.
# lib: signed_model
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
signed_model
mkdir ../n
printf '\002\000\000\000\000\000\000\000{}' >../n/model.safetensors
