#!/bin/sh
# A file of the same size with another content, among more than the sample would need.
# lib: dataset
# params: {fraction: 1.0}
dataset
echo "tixt 7" > "shards/part 7.jsonl"
