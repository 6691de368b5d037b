#!/bin/sh
# A GGUF file under a name that says nothing, as Ollama keeps them, on a file system of its own.
# params: {min_mb: 1}
mkdir -p /mnt/scratch
mount -t tmpfs tmpfs /mnt/scratch
{ printf 'GGUF\003\000\000\000'; head -c 1200000 /dev/zero; } >/mnt/scratch/sha256-0a1b
