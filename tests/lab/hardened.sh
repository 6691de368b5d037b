# Brings a stock host to where the training-node profile wants it.
set -e
cat > /etc/ssh/sshd_config.d/00-hardened.conf <<CONF
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxAuthTries 4
X11Forwarding no
AllowAgentForwarding no
MACs -hmac-sha1*
CONF
systemctl restart ssh
install -d -o ai_user -g ai_team -m 0750 /srv/models
install -o ai_user -g ai_team -m 0640 /dev/null /srv/models/model.safetensors
install -d -o ai_user -g ai_team -m 0700 /mnt/ai_training_data
install -o ai_user -g ai_team -m 0600 /dev/null /mnt/ai_training_data/part-0.parquet
install -d /opt/train
printf 'torch==2.7.1\ntransformers==4.52.4\n' > /opt/train/requirements.txt
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix 'SUSPECT_OUT: '
