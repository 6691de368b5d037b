#!/bin/sh
# A home that the auditor may not enter.
# as: auditor
# params: {env_roots: [/home/ai_user]}
# reason: privilege
mkdir -p /home/ai_user/venv/lib/python3.11/site-packages
chmod 0700 /home/ai_user/venv
