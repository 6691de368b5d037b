#!/bin/sh
# No such file.
mkdir -p /srv/models
echo '# card' >/srv/models/README.md
