#!/bin/sh
# The environment belongs to the account that serves the model.
# lib: environment
environment
for i in $(seq 400); do : >$d/torch/module_with_a_longer_name_$i.py; done
chown -R ai_user:ai_team $d
