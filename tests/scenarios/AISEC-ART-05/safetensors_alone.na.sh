#!/bin/sh
# No pickle at all, though a name may say so.
mkdir -p /srv/models
{ printf '\002\000\000\000\000\000\000\000{}'; } >/srv/models/model.bin
echo '# card' >/srv/models/README.md
