#!/bin/sh
# A chain without a name, which nft prints as text, lets only some out.
nft -f - <<'RULES'
table inet filter {
  chain out {
    type filter hook output priority filter; policy drop;
    ct state established,related accept
    oifname "lo" accept
    meta nfproto ipv4 jump {
      ip daddr { 10.0.0.0/8, 192.0.2.10 } tcp dport { 22, 443 } counter accept
      reject
    }
  }
  chain pass {
    type filter hook forward priority filter; policy drop;
  }
}
RULES
