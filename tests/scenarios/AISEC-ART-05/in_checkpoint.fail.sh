#!/bin/sh
# In the archive that PyTorch writes, which calls itself something else.
# host: services
# lib: pickles
mkdir -p /srv/models
pickles <<'EOF'
checkpoint("/srv/models/model.bin", DANGER)
EOF
