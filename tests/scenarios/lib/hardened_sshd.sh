# An sshd that takes keys alone, and no SHA-1.

# harden PERMIT_ROOT: writes it down; it holds from the next start of the server.
harden() {
    cat > /etc/ssh/sshd_config.d/00-hard.conf <<CONF
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin $1
MaxAuthTries 4
X11Forwarding no
AllowAgentForwarding no
MACs -hmac-sha1*,umac-64*
CONF
}
