#!/bin/sh
# What looks like a token stands before the import, and is redacted.
mkdir -p /srv/models
printf "S'ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8'\n0cposix\ngetcwd\n(tR." >/srv/models/pytorch_model.bin
