#!/bin/sh
# IPv4 is denied, IPv6 is not.
ip -6 addr add 2001:db8::5/64 dev eth0
iptables -A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
iptables -A OUTPUT -d 10.0.0.0/8 -j ACCEPT
iptables -P OUTPUT DROP
