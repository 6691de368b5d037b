#!/bin/sh
# The option as its parser also takes it.
# lib: serving
serving /usr/local/bin/vllm serve /srv/models/m --trust-rem
