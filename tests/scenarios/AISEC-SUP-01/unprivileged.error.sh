#!/bin/sh
# An unprivileged auditor sees into some homes only.
# as: auditor
# advisories: advisories
# params: {db_max_age_days: 36500, env_roots: [/home/ai_user]}
# reason: privilege
mkdir -p /home/ai_user/venv/lib/python3.11/site-packages/torch-2.1.0.dist-info
chmod 0700 /home/ai_user/venv
