#!/bin/sh
# Hardened, and reloaded: the process is older than the file, and runs what it says.
# lib: hardened_sshd
# params: {permit_root: prohibit-password}
harden prohibit-password
systemctl reload ssh
wait_for test /run/sshd.pid -nt /etc/ssh/sshd_config.d/00-hard.conf
wait_for listens 22
