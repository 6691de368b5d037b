#!/bin/sh
# The team may enter.
# lib: private_data
private_data
chmod 0750 /mnt/ai_training_data
