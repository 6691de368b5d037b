#!/bin/sh
# An unprivileged auditor does not see into every home.
# as: auditor
# advisories: advisories
# params: {db_max_age_days: 36500}
# reason: privilege
mkdir -p /home/ai_user/venv/lib/python3.11/site-packages/litellm-1.82.8.dist-info
chmod 0700 /home/ai_user/venv
