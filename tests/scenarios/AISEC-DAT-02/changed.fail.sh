#!/bin/sh
# A file of the same size with another content, among more than the sample would need.
# params: {fraction: 1.0}
set -e
d=/mnt/ai_training_data; install -d -o ai_user -g ai_team -m 0700 $d $d/shards; cd $d
n=0; while [ $n -lt 60 ]; do echo "text $n" > "shards/part $n.jsonl"; n=$((n+1)); done
find . -type f ! -name MANIFEST.sha256 -exec sha256sum {} + > MANIFEST.sha256
echo "tixt 7" > "shards/part 7.jsonl"
