#!/bin/sh
# What lies in a closed directory cannot be judged.
# as: auditor
# reason: privilege
mkdir -p -m 0700 /srv/models/vault
echo plain >/srv/models/vault/model.pt
