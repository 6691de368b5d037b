#!/bin/sh
# What is in force is wider than what is written.
echo '/mnt/ai_training_data 10.77.0.0/16(ro)' > /etc/exports
mkdir -p /var/lib/nfs
printf '/mnt/ai_training_data\t0.0.0.0/0(rw,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,no_subtree_check,secure_locks,acl,no_pnfs,anonuid=65534,anongid=65534,sec=sys,rw,secure,root_squash,no_all_squash)\n' > /var/lib/nfs/etab
