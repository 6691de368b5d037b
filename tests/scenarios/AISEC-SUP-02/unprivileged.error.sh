#!/bin/sh
# An unprivileged auditor does not see into every home.
# as: auditor
# reason: privilege
mkdir -p /home/ai_user/venv/lib/python3.11/site-packages/vllm-0.11.0.dist-info
chmod 0700 /home/ai_user/venv
