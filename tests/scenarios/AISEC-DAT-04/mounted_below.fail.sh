#!/bin/sh
# Below the directory, something else is mounted, which is not encrypted.
mkdir -p /mnt/ai_training_data; mount -t ramfs none /mnt/ai_training_data
mkdir /mnt/ai_training_data/more; mount -t tmpfs none /mnt/ai_training_data/more
