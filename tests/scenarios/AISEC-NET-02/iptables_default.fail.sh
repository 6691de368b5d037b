#!/bin/sh
# No rule at all: everything may leave.
# remedy: {}
iptables -P OUTPUT ACCEPT
