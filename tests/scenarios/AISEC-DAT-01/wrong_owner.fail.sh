#!/bin/sh
# The directory belongs to another account.
# lib: private_data
private_data
chown root /mnt/ai_training_data
