#!/bin/sh
# Logged is what goes to a port that nothing listens at, or what is no TCP.
iptables -A OUTPUT -d 198.51.100.7 -p tcp --dport 1 -j LOG --log-prefix "SUSPECT_OUT: "
iptables -A OUTPUT -d 198.51.100.7 -p udp -j LOG --log-prefix "SUSPECT_OUT: "
