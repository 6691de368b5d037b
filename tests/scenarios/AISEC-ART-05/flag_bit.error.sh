#!/bin/sh
# A flag that makes some readers give up, and PyTorch not.
# host: services
# lib: pickles
# reason: parse
mkdir -p /srv/models
pickles <<'EOF'
checkpoint("/srv/models/model.pt", DANGER)
data = bytearray(open("/srv/models/model.pt", "rb").read())
data[data.index(b"PK\x01\x02") + 8] |= 1
open("/srv/models/model.pt", "wb").write(data)
EOF
