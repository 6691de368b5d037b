#!/bin/sh
# Weakened without a reload: the next start makes it true.
# lib: hardened_sshd
# params: {permit_root: prohibit-password}
harden prohibit-password
systemctl restart ssh
sed -i 's/^MaxAuthTries 4$/MaxAuthTries 10/' /etc/ssh/sshd_config.d/00-hard.conf
