#!/bin/sh
# The directory belongs to another account.
# lib: private_data
# remedy: {}
private_data
chown root /mnt/ai_training_data
