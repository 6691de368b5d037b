#!/bin/sh
# The auditor cannot tell whether the directory is there.
# as: auditor
# reason: privilege
mkdir -p /mnt/ai_training_data; chmod 700 /mnt
