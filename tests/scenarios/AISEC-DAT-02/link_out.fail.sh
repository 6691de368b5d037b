#!/bin/sh
# A file was replaced by a link to a place that somebody else writes; its content is still the same.
set -e
d=/mnt/ai_training_data; install -d -o ai_user -g ai_team -m 0700 $d $d/shards; cd $d
n=0; while [ $n -lt 60 ]; do echo "text $n" > "shards/part $n.jsonl"; n=$((n+1)); done
find . -type f ! -name MANIFEST.sha256 -exec sha256sum {} + > MANIFEST.sha256
cp "shards/part 3.jsonl" /var/tmp/p; ln -sf /var/tmp/p "shards/part 3.jsonl"
