#!/bin/sh
# A file below anybody may write, as a container that mounts it would find.
# lib: private_data
private_data
chmod 0666 /mnt/ai_training_data/train.jsonl
