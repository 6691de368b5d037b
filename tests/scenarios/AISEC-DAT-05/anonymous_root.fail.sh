#!/bin/sh
# All accounts of the client become root.
echo '/mnt/ai_training_data 10.77.0.0/16(rw,all_squash,anonuid=0,anongid=0)' > /etc/exports
