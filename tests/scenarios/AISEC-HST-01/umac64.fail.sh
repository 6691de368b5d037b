#!/bin/sh
# Hardened, but for message codes of 64 bits, which sshd offers by default.
# lib: hardened_sshd
# params: {permit_root: prohibit-password}
harden prohibit-password
sed -i 's/,umac-64\*$//' /etc/ssh/sshd_config.d/00-hard.conf
systemctl restart ssh
