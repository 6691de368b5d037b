#!/bin/sh
# Root may come with a key where the profile says so.
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
systemctl restart ssh
