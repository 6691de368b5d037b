#!/bin/sh
# Whether a packet leaves hangs on a mark that something else sets.
# reason: parse
for t in iptables ip6tables; do
  $t -A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  $t -A OUTPUT -m mark --mark 0x1 -j ACCEPT
  $t -P OUTPUT DROP
done
