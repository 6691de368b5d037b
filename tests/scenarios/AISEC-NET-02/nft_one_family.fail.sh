#!/bin/sh
# A table for both families, whose last rule answers IPv4 alone: nft does not show that condition.
nft -f - <<'RULES'
table inet filter {
  chain out {
    type filter hook output priority filter; policy accept;
    ct state established,related accept
    oifname "lo" accept
    meta nfproto ipv4 reject
  }
  chain pass {
    type filter hook forward priority filter; policy drop;
  }
}
RULES
