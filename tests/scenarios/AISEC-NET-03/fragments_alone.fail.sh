#!/bin/sh
# Logged are fragments behind the first alone, which no connection begins with.
iptables -A OUTPUT -d 198.51.100.7 -f -j LOG --log-prefix "SUSPECT_OUT: "
