#!/bin/sh
# A directory was slipped in together with a manifest of its own.
set -e
d=/mnt/ai_training_data; install -d -o ai_user -g ai_team -m 0700 $d $d/shards; cd $d
n=0; while [ $n -lt 60 ]; do echo "text $n" > "shards/part $n.jsonl"; n=$((n+1)); done
find . -type f ! -name MANIFEST.sha256 -exec sha256sum {} + > MANIFEST.sha256
mkdir extra; echo poison > extra/x.jsonl; cd extra; sha256sum x.jsonl > MANIFEST.sha256
cd ..; sha256sum extra/x.jsonl > SHA256SUMS
