#!/bin/sh
# A conda environment without versions.
mkdir -p /srv/app
cat >/srv/app/environment.yml <<'EOF'
name: train
dependencies:
  - python=3.11
  - pytorch
  - pip:
      - transformers==4.44.2
EOF
