#!/bin/sh
# The log rule stands behind a verdict for everything.
# remedy: {}
iptables -A OUTPUT -j ACCEPT
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
