#!/bin/sh
# Samba lets guests in. The program is a stand-in; its configuration is what counts.
cp /bin/true /usr/sbin/smbd
mkdir -p /etc/samba
printf '[global]\n  map to guest = Bad User\n[data]\n  path = /mnt/ai_training_data\n  Guest OK = Yes\n' > /etc/samba/smb.conf
