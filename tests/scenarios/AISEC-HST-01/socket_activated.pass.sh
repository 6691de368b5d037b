#!/bin/sh
# Hardened while no server runs: systemd starts one for each connection, and that reads the files.
# lib: hardened_sshd
# params: {permit_root: prohibit-password}
systemctl stop ssh
mkdir -p /run/sshd /etc/systemd/system/ssh.socket.d
printf '[Socket]\nAccept=yes\n' > /etc/systemd/system/ssh.socket.d/each.conf
printf '[Service]\nExecStart=-/usr/sbin/sshd -i\nStandardInput=socket\n' > /etc/systemd/system/ssh@.service
systemctl daemon-reload
systemctl start ssh.socket
harden prohibit-password
