#!/bin/sh
# Exact versions in a requirements file.
mkdir -p /srv/app
cat >/srv/app/requirements.txt <<'EOF'
torch==2.4.1+cu121  # CUDA 12
transformers[torch] == 4.44.2 ; python_version >= '3.9'
numpy>=1.26
EOF
