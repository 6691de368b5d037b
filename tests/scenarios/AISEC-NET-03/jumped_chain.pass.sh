#!/bin/sh
# The log rule stands in a chain that OUTPUT jumps to.
iptables -N SUSPECT
iptables -A SUSPECT -j LOG --log-prefix "SUSPECT_OUT: "
iptables -A OUTPUT -m conntrack --ctstate NEW -d 198.51.100.0/24 -j SUSPECT
