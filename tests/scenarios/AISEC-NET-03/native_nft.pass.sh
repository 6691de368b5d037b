#!/bin/sh
# nftables' own rule, behind the acceptance of what is established.
nft -f - <<'RULES'
table inet egress {
  chain out {
    type filter hook output priority 0; policy accept;
    ct state established,related accept
    ip daddr 198.51.100.7 limit rate 10/minute log prefix "EGRESS: "
  }
}
RULES
