#!/bin/sh
# A file that let passwords in is gone, and the server that read it still runs.
# lib: hardened_sshd
# params: {permit_root: prohibit-password}
# reason: stale
harden prohibit-password
echo 'PasswordAuthentication yes' > /etc/ssh/sshd_config.d/00-first.conf
systemctl restart ssh
later() { : > /run/now; test /run/now -nt /run/sshd.pid; }
wait_for later
rm /etc/ssh/sshd_config.d/00-first.conf
