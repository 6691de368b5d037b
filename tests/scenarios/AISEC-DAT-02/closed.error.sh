#!/bin/sh
# The auditor may not look into the dataset.
# as: auditor
# reason: privilege
set -e
d=/mnt/ai_training_data; install -d -o ai_user -g ai_team -m 0700 $d $d/shards; cd $d
n=0; while [ $n -lt 60 ]; do echo "text $n" > "shards/part $n.jsonl"; n=$((n+1)); done
find . -type f ! -name MANIFEST.sha256 -exec sha256sum {} + > MANIFEST.sha256
