#!/bin/sh
# Keys only, no root, no SHA-1.
# lib: hardened_sshd
# as: operator
# sudo: yes
harden no
systemctl restart ssh
