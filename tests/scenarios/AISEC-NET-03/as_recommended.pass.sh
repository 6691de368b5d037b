#!/bin/sh
# The recommended command, word for word.
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
