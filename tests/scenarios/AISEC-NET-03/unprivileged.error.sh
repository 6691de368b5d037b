#!/bin/sh
# Without root nobody sees rules.
# as: auditor
# reason: privilege
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
