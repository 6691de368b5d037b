#!/bin/sh
# Anybody may read the token of a model hub.
# lib: home
home
credential .cache/huggingface/token 0644
