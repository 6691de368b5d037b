#!/bin/sh
# The hook of the malicious litellm releases: code in a .pth file.
# lib: environment
environment
echo "import os, subprocess; subprocess.Popen([\"true\"])" >$d/litellm_init.pth
