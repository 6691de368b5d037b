#!/bin/sh
# There is no data directory.
rm -rf /mnt/ai_training_data
