#!/bin/sh
# A directory with a model card alone.
mkdir -p /srv/models
echo '# Model card' >/srv/models/README.md
