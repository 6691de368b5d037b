#!/bin/sh
# As joblib writes it with compression.
# host: services
# lib: pickles
mkdir -p /srv/models
pickles <<'EOF'
open("/srv/models/forest.joblib", "wb").write(zlib.compress(DANGER))
EOF
