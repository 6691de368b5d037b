#!/bin/sh
# Hardened and restarted, and a file has a time that is still to come.
# lib: hardened_sshd
# params: {permit_root: prohibit-password}
# reason: stale
harden prohibit-password
touch -d 2037-01-01 /etc/ssh/sshd_config.d/00-hard.conf
systemctl restart ssh
