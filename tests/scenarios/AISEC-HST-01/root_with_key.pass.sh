#!/bin/sh
# Root may come with a key where the profile says so.
# lib: hardened_sshd
# params: {permit_root: prohibit-password}
harden prohibit-password
systemctl restart ssh
