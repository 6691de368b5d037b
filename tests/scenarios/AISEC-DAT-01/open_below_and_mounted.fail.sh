#!/bin/sh
# A directory below is open, and a container has it mounted: another mount namespace plays it.
# lib: private_data
# remedy: {}
private_data
install -d -m 0755 /mnt/ai_training_data/raw
install -m 0644 /mnt/ai_training_data/train.jsonl /mnt/ai_training_data/raw/part-0.jsonl
setsid unshare -m sh -c 'mount --bind /mnt/ai_training_data/raw /srv && exec sleep 9000' < /dev/null > /dev/null 2>&1 &
wait_for sh -c 'grep -q ai_training_data/raw /proc/[0-9]*/mountinfo'
