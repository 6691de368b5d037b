#!/bin/sh
# The auditor may not read the exports.
# as: auditor
# reason: privilege
echo '/mnt/ai_training_data 10.77.0.0/16(rw)' > /etc/exports
chmod 600 /etc/exports
