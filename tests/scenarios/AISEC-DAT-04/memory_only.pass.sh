#!/bin/sh
# In memory that is never written to a disk.
mkdir -p /mnt/ai_training_data; mount -t ramfs none /mnt/ai_training_data
