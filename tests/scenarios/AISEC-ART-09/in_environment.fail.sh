#!/bin/sh
# The variable that some servers read.
# lib: serving
serving --setenv=TRUST_REMOTE_CODE=true /usr/local/bin/vllm serve /srv/models/m
