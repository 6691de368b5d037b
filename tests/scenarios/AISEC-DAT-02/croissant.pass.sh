#!/bin/sh
# Croissant metadata with digests, and a link inside the dataset.
set -e
d=/mnt/ai_training_data; install -d -o ai_user -g ai_team -m 0700 $d $d/shards; cd $d
n=0; while [ $n -lt 60 ]; do echo "text $n" > "shards/part $n.jsonl"; n=$((n+1)); done
find . -type f ! -name MANIFEST.sha256 -exec sha256sum {} + > MANIFEST.sha256
rm -r MANIFEST.sha256 shards; echo "a,b" > rows.csv; ln -s rows.csv latest.csv
cat > croissant.json <<JSON
{"@type": "sc:Dataset", "name": "rows", "distribution": [
 {"@type": "cr:FileObject", "@id": "rows.csv", "contentUrl": "rows.csv", "contentSize": "4 B",
  "sha256": "$(sha256sum rows.csv | cut -d' ' -f1)"},
 {"@type": "cr:FileObject", "@id": "upstream", "contentUrl": "https://example.org/rows.csv", "sha256": "main"}]}
JSON
