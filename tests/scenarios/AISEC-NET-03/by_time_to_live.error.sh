#!/bin/sh
# Whether any packet has what the rule asks for, the rules do not tell.
# reason: unreadable
iptables -A OUTPUT -d 198.51.100.7 -m ttl --ttl-eq 3 -j LOG --log-prefix "SUSPECT_OUT: "
