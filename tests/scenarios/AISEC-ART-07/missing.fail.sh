#!/bin/sh
# A file that is listed is gone.
# lib: signed_model
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
signed_model
rm tokenizer/vocab.txt
