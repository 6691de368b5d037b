#!/bin/sh
# Two networks that together are the whole Internet, in a set that looks like an allowlist.
nft -f - <<'RULES'
table inet filter {
  set needed {
    type ipv4_addr; flags interval
    elements = { 0.0.0.0/1, 128.0.0.0/1 }
  }
  chain out {
    type filter hook output priority filter; policy drop;
    ct state established,related accept
    ip daddr @needed accept
  }
}
RULES
