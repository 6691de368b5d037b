#!/bin/sh
# All files as the manifest lists them that model_signing 1.1.1 wrote, and a model card.
# lib: signed_model
# params: {trusted_keys: [tests/scenarios/AISEC-ART-07/key.pub]}
signed_model
echo '# card' >README.md
