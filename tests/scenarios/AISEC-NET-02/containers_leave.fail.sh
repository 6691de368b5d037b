#!/bin/sh
# The host itself may not, but it forwards everything that its containers send.
for t in iptables ip6tables; do
  $t -A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  $t -P OUTPUT DROP
  $t -P FORWARD DROP
done
sysctl -q -w net.ipv4.ip_forward=1
iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
