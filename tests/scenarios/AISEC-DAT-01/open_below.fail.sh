#!/bin/sh
# A file below anybody may write, and it has a second name outside.
# lib: private_data
private_data
chmod 0666 /mnt/ai_training_data/train.jsonl
mkdir /mnt/elsewhere
ln /mnt/ai_training_data/train.jsonl /mnt/elsewhere/
