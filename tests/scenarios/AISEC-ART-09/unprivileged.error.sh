#!/bin/sh
# Files that only root reads, and the environment of others.
# lib: serving
# as: auditor
# reason: privilege
serving /usr/local/bin/vllm serve /srv/models/m
