#!/bin/sh
# The pickle lies in a member with another name.
# host: services
# lib: pickles
mkdir -p /srv/models
pickles <<'EOF'
checkpoint("/srv/models/model.pt", TORCH, ("archive/extra.dat", DANGER))
EOF
