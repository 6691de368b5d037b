#!/bin/sh
# The rules are those of iptables-legacy, while iptables-save shows those of nftables.
for t in iptables-legacy ip6tables-legacy; do
  $t -A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  $t -P OUTPUT DROP
done
