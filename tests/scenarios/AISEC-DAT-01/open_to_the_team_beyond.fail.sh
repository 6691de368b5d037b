#!/bin/sh
# The team may enter and read; a file of another group lets all who enter write.
# lib: private_data
# params: {dir_mode_max: "0750"}
private_data
chmod 0750 /mnt/ai_training_data
chmod 0646 /mnt/ai_training_data/train.jsonl
