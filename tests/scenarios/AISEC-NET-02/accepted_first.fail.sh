#!/bin/sh
# The policy is to drop, and a chain of the user's accepts everything before.
for t in iptables ip6tables; do
  $t -N ALLOWED
  $t -A ALLOWED -p tcp -j ACCEPT
  $t -A OUTPUT -j ALLOWED
  $t -P OUTPUT DROP
  $t -A OUTPUT -p udp -j ACCEPT
done
