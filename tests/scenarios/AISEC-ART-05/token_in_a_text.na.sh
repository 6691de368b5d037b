#!/bin/sh
# What was redacted stands where it is known already that this is a text.
mkdir -p /srv/models
printf '# How to\n\nexport HF_TOKEN=hf_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7\n' >/srv/models/README.md
