#!/bin/sh
# nftables' own table for both families, with named sets, a verdict map and a chain of its own.
nft -f - <<'RULES'
table inet filter {
  set needed {
    type ipv4_addr; flags interval
    elements = { 10.0.0.0/8, 192.0.2.10 }
  }
  chain needed_only {
    ip daddr @needed tcp dport { 22, 443 } accept
    meta skuid 0 udp dport 53 accept
  }
  chain out {
    type filter hook output priority filter; policy accept;
    ct state vmap { established : accept, related : accept, invalid : drop }
    oifname "lo" accept
    icmpv6 type { nd-neighbor-solicit, nd-router-solicit } accept
    jump needed_only
    counter limit rate 10/minute log prefix "EGRESS: "
    reject
  }
  chain pass {
    type filter hook forward priority filter; policy drop;
  }
}
RULES
