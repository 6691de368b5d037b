#!/bin/sh
# Hardened, but a connection may try ten times.
# lib: hardened_sshd
# params: {permit_root: prohibit-password}
harden prohibit-password
sed -i 's/^MaxAuthTries 4$/MaxAuthTries 10/' /etc/ssh/sshd_config.d/00-hard.conf
systemctl restart ssh
