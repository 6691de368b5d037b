#!/bin/sh
# For packets out of an interface that is not there, or that stay on the host.
iptables -A OUTPUT -o eth9 -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
iptables -A OUTPUT -o lo -j LOG --log-prefix "SUSPECT_OUT: "
iptables -A OUTPUT -d 127.0.0.9 -j LOG --log-prefix "SUSPECT_OUT: "
