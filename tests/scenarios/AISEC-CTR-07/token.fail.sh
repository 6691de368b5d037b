#!/bin/sh
# The cache of Hugging Face, as quick-starts mount it, with the token in it.
# host: services
# lib: containers
podman_up
mkdir -p /data/alice/.cache/huggingface
touch /data/alice/.cache/huggingface/token
in_podman -v /data/alice/.cache/huggingface:/root/.cache/huggingface
