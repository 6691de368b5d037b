#!/bin/sh
# The manifest was changed after it was signed, to fit other weights.
# lib: signed_model
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
signed_model
printf '\002\000\000\000\000\000\000\000[]' >model.safetensors
payload=$(sed 's/.*"payload":"\([^"]*\)".*/\1/' model.sig)
old=$(printf '\002\000\000\000\000\000\000\000{}' | sha256sum | cut -c1-64)
new=$(sha256sum <model.safetensors | cut -c1-64)
other=$(printf %s "$payload" | base64 -d | sed "s/$old/$new/" | base64 -w 0)
sed -i "s,$payload,$other," model.sig
