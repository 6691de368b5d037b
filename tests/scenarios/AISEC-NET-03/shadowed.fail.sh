#!/bin/sh
# The same destination is accepted before it would be logged.
iptables -A OUTPUT -d 198.51.100.7 -j ACCEPT
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
