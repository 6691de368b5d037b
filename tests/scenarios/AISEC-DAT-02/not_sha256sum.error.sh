#!/bin/sh
# The manifest has a line in another form.
# lib: dataset
# reason: parse
dataset
echo "shards/extra.jsonl whatever" >> MANIFEST.sha256
