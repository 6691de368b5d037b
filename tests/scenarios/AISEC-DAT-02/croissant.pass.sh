#!/bin/sh
# Croissant metadata with digests, and a link inside the dataset.
# lib: dataset
dataset
rm -r MANIFEST.sha256 shards; echo "a,b" > rows.csv; ln -s rows.csv latest.csv
cat > croissant.json <<JSON
{"@type": "sc:Dataset", "name": "rows", "distribution": [
 {"@type": "cr:FileObject", "@id": "rows.csv", "contentUrl": "rows.csv", "contentSize": "4 B",
  "sha256": "$(sha256sum rows.csv | cut -d' ' -f1)"},
 {"@type": "cr:FileObject", "@id": "upstream", "contentUrl": "https://example.org/rows.csv", "sha256": "main"}]}
JSON
