#!/bin/sh
# A GGUF file that promises more tensors than it has bytes.
mkdir -p /srv/models
{ printf 'GGUF\003\000\000\000\377\377\377\377\377\377\377\177\000\000\000\000\000\000\000\000'; head -c 100 /dev/zero; } >/srv/models/a.gguf
