#!/bin/sh
# The remedy, seen by an account with sudo.
# as: operator
# sudo: yes
for t in iptables ip6tables; do $t -I OUTPUT -o lo -j ACCEPT; $t -I OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT; $t -P OUTPUT DROP; $t -P FORWARD DROP; done
iptables -A OUTPUT -d 10.0.0.0/8 -j ACCEPT
