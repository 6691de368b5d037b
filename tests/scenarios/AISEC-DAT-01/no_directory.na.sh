#!/bin/sh
# There is no data directory.
set -e
rm -rf /mnt/ai_training_data
