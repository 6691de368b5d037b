# Brings a stock host to where hardened.yaml wants it.
set -e
cat > /etc/ssh/sshd_config.d/00-hardened.conf <<CONF
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxAuthTries 4
X11Forwarding no
AllowAgentForwarding no
MACs -hmac-sha1*,umac-64*
CONF
systemctl restart ssh
install -d -o ai_user -g ai_team -m 0750 /srv/models
printf '\010\000\000\000\000\000\000\000{}      ' > /srv/models/model.safetensors
chown ai_user:ai_team /srv/models/model.safetensors; chmod 0640 /srv/models/model.safetensors
install -d -o ai_user -g ai_team -m 0700 /mnt/ai_training_data
install -o ai_user -g ai_team -m 0600 /dev/null /mnt/ai_training_data/part-0.parquet
(cd /mnt/ai_training_data && sha256sum part-0.parquet > MANIFEST.sha256)
chown ai_user:ai_team /mnt/ai_training_data/MANIFEST.sha256; chmod 0600 /mnt/ai_training_data/MANIFEST.sha256
install -d /opt/train
hash=0b5f88afdfa05a335d80351e3cea57d38e578c8689f751d35e0ff36bce872113
printf '%s --hash=sha256:%s\n' torch==2.7.1 $hash transformers==4.52.4 $hash > /opt/train/requirements.txt
for tables in iptables ip6tables; do
    $tables -I OUTPUT -o lo -j ACCEPT
    $tables -I OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
    $tables -P OUTPUT DROP
    $tables -P FORWARD DROP
done
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix 'SUSPECT_OUT: '
