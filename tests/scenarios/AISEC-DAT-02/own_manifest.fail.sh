#!/bin/sh
# A directory was slipped in together with a manifest of its own.
# lib: dataset
dataset
mkdir extra; echo poison > extra/x.jsonl; cd extra; sha256sum x.jsonl > MANIFEST.sha256
cd ..; sha256sum extra/x.jsonl > SHA256SUMS
