#!/bin/sh
# Tokens that only their owners can read.
# lib: home
home
credential .cache/huggingface/token 0600
credential .netrc 0600
credential .ssh/id_ed25519 0600
credential .ssh/id_ed25519.pub 0644
