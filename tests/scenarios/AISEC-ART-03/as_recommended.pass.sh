#!/bin/sh
# The directory as the recommendation makes it private.
# params: {model_dirs: [/mnt/ai_training_data]}
mkdir -p /mnt/ai_training_data/
chmod 700 /mnt/ai_training_data/
chown ai_user:ai_team /mnt/ai_training_data/
