#!/bin/sh
# nftables' own rule in a table that is switched off.
nft -f - <<'RULES'
table inet egress {
  flags dormant;
  chain out {
    type filter hook output priority 0; policy accept;
    ip daddr 198.51.100.7 log prefix "EGRESS: "
  }
}
RULES
