#!/bin/sh
# In memory that may be written to swap.
mkdir -p /mnt/ai_training_data; mount -t tmpfs none /mnt/ai_training_data
