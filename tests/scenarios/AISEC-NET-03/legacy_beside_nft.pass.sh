#!/bin/sh
# The rule is one of iptables-legacy, while iptables-save shows those of nftables.
iptables-legacy -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
