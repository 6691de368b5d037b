#!/bin/sh
# For packets of an account that nobody has.
iptables -A OUTPUT -d 198.51.100.7 -m owner --uid-owner 4711 -j LOG --log-prefix "SUSPECT_OUT: "
