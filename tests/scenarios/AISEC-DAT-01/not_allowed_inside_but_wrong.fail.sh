#!/bin/sh
# What an unprivileged auditor sees from outside is enough to fail.
# as: auditor
set -e
install -d -o ai_user -g ai_team -m 0700 /mnt/ai_training_data
echo text >/mnt/ai_training_data/train.jsonl
chmod 0640 /mnt/ai_training_data/train.jsonl
chown ai_user:ai_team /mnt/ai_training_data/train.jsonl
chgrp root /mnt/ai_training_data
