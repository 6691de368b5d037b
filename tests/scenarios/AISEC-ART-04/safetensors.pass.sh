#!/bin/sh
# Only formats without code, one of them with the name of another.
mkdir -p /srv/models
printf '\002\000\000\000\000\000\000\000{}' >/srv/models/model.pt
{ printf 'GGUF\003\000\000\000'; head -c 100 /dev/zero; } >/srv/models/model.bin
echo '{}' >/srv/models/config.json
