#!/bin/sh
# The same without a token, and a path that was allowed.
# host: services
# lib: containers
# params: {allow_paths: [/dev/shm]}
podman_up
mkdir -p /data/alice/.cache/huggingface
in_podman -v /data/alice/.cache/huggingface:/root/.cache/huggingface -v /dev/shm:/shm
