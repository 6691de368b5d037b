#!/bin/sh
# A line that is no export.
# reason: parse
echo '/mnt/ai_training_data 10.77.0.0/16(rw' > /etc/exports
