#!/bin/sh
# The directory is closed, and what lies in it has the usual modes: nobody else can get there.
# lib: private_data
private_data
install -d -m 0755 /mnt/ai_training_data/raw
install -m 0644 /mnt/ai_training_data/train.jsonl /mnt/ai_training_data/raw/part-0.jsonl
chmod 0644 /mnt/ai_training_data/train.jsonl
