#!/bin/sh
# As Docker sets it up, with a chain DOCKER-USER that lets containers reach one network only.
for t in iptables ip6tables; do
  $t -A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  $t -P OUTPUT DROP
  $t -P FORWARD DROP
done
sysctl -q -w net.ipv4.ip_forward=1
iptables -N DOCKER-USER
iptables -A FORWARD -j DOCKER-USER
iptables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
iptables -A FORWARD -i docker0 -o docker0 -j ACCEPT
iptables -A DOCKER-USER -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN
iptables -A DOCKER-USER -d 10.20.0.0/16 -j RETURN
iptables -A DOCKER-USER -j DROP
