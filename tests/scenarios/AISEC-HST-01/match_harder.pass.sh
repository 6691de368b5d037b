#!/bin/sh
# Hardened, and Match blocks repeat that, with comments; of two settings in one block, the first counts.
# lib: hardened_sshd
# params: {permit_root: prohibit-password}
harden prohibit-password
cat >> /etc/ssh/sshd_config <<CONF
Match User ai_user # the trainer
    X11Forwarding no # never
    X11Forwarding yes
    KbdInteractiveAuthentication yes
    AuthenticationMethods publickey,keyboard-interactive
CONF
systemctl restart ssh
