#!/bin/sh
# Anybody may put compiled code into the cache of an ML library.
# lib: private_models
# remedy: {}
private_models
install -d -m 0777 /root/.cache/vllm
