#!/bin/sh
# The host forwards, and what it passes on is closed to the auditor.
# host: services
# as: auditor
# reason: privilege
sysctl -q -w net.ipv4.ip_forward=1
iptables -A FORWARD -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
