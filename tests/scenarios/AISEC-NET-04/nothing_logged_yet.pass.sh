#!/bin/sh
# No packet has met the rule, and a service that runs keeps what the kernel logs.
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
