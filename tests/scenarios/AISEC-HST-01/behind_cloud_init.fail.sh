#!/bin/sh
# Hardened in a file that is read late: cloud-init's comes before it, and lets passwords in.
# lib: hardened_sshd
# as: operator
# sudo: yes
# remedy: {}
harden no
mv /etc/ssh/sshd_config.d/00-hard.conf /etc/ssh/sshd_config.d/60-hard.conf
echo 'PasswordAuthentication yes' > /etc/ssh/sshd_config.d/50-cloud-init.conf
systemctl restart ssh
