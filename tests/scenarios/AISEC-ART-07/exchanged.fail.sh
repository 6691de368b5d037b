#!/bin/sh
# Other weights of the same size.
# lib: signed_model
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
signed_model
printf '\002\000\000\000\000\000\000\000[]' >model.safetensors
