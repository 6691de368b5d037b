#!/bin/sh
# Which of two members of one name is loaded, readers see differently.
# host: services
# lib: pickles
# reason: parse
mkdir -p /srv/models
pickles <<'EOF'
checkpoint("/srv/models/model.pt", DANGER, ("archive/data.pkl", TORCH))
EOF
