#!/bin/sh
# Only inbound packets are logged.
iptables -A INPUT -s 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
