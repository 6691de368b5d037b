#!/bin/sh
# An earlier table drops what the log waits for.
iptables -t mangle -A OUTPUT -d 198.51.100.0/24 -j DROP
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
