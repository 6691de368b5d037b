#!/bin/sh
# What PyTorch writes, and nothing dangerous in it.
# host: services
# lib: pickles
mkdir -p /srv/models
pickles <<'EOF'
checkpoint("/srv/models/pytorch_model.bin", TORCH)
EOF
