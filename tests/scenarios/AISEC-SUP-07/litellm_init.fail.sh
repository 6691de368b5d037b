#!/bin/sh
# The hook of the malicious litellm releases: code in a .pth file.
set -e
d=/opt/app/venv/lib/python3.11/site-packages
mkdir -p $d/torch
: >$d/torch/__init__.py
echo "import os, subprocess; subprocess.Popen([\"true\"])" >$d/litellm_init.pth
