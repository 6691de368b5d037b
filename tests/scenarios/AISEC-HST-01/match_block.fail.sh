#!/bin/sh
# Hardened, but a Match block lets one user in with a password.
# lib: hardened_sshd
# params: {permit_root: prohibit-password}
harden prohibit-password
cat >> /etc/ssh/sshd_config <<CONF
Match User ai_user
    PasswordAuthentication yes
CONF
systemctl restart ssh
