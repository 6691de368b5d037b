#!/bin/sh
# All TCP is accepted before the log.
iptables -A OUTPUT -p tcp -j ACCEPT
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
