#!/bin/sh
# The address stands where packets come from, and no packet of this host comes from there.
iptables -A OUTPUT -s 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
