#!/bin/sh
# Hardened without a reload, by a file that is dated back and moved into its place.
# lib: hardened_sshd
# reason: stale
harden no
mv /etc/ssh/sshd_config.d/00-hard.conf /root/hard.conf
touch -d 2020-01-01 /root/hard.conf
mv /root/hard.conf /etc/ssh/sshd_config.d/00-hard.conf
