#!/bin/sh
# The chain with the log rule is never jumped to.
iptables -N SUSPECT
iptables -A SUSPECT -j LOG --log-prefix "SUSPECT_OUT: "
