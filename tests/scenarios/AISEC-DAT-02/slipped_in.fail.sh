#!/bin/sh
# A file that the manifest does not name.
# lib: dataset
dataset
echo poison > shards/extra.jsonl
