#!/bin/sh
# The account that holds the models may send anything anywhere.
for t in iptables ip6tables; do
  $t -A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  $t -A OUTPUT -m owner --uid-owner ai_user -j ACCEPT
  $t -P OUTPUT DROP
done
