#!/bin/sh
# A file was replaced by a link to a place that somebody else writes; its content is still the same.
# lib: dataset
dataset
cp "shards/part 3.jsonl" /var/tmp/p; ln -sf /var/tmp/p "shards/part 3.jsonl"
