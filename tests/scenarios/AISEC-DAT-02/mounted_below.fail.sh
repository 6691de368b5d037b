#!/bin/sh
# A file system that is mounted below holds files of no manifest.
# lib: dataset
dataset
mkdir more; mount -t tmpfs none more; echo poison > more/x.jsonl
