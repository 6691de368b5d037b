#!/bin/sh
# Keys only, no root, no SHA-1.
# as: operator
# sudo: yes
cat > /etc/ssh/sshd_config.d/00-hard.conf <<CONF
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
MaxAuthTries 4
X11Forwarding no
AllowAgentForwarding no
MACs -hmac-sha1*
CONF
systemctl restart ssh
