#!/bin/sh
# A file that the manifest names is gone.
# lib: dataset
dataset
rm "shards/part 3.jsonl"
