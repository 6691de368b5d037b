#!/bin/sh
# Hardened on paper, but the server is started with another setting.
# lib: hardened_sshd
# params: {permit_root: prohibit-password}
harden prohibit-password
echo 'SSHD_OPTS="-o PasswordAuthentication=yes"' > /etc/default/ssh
systemctl restart ssh
