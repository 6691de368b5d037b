#!/bin/sh
# No manifest at all.
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
set -e
mkdir -p /srv/models/m/tokenizer
cd /srv/models/m
printf '\002\000\000\000\000\000\000\000{}' >model.safetensors
echo '{}' >config.json
printf 'a\nb\n' >tokenizer/vocab.txt
