#!/bin/sh
# The same export after the remedy.
echo '/mnt/ai_training_data 10.77.0.0/16(rw,no_root_squash)' > /etc/exports
echo '/mnt/ai_training_data 10.77.0.0/16(rw,root_squash,secure,sec=sys)' > /etc/exports
