#!/bin/sh
# The host forwards, and what it passes on is closed to the auditor.
# host: services
# as: auditor
# reason: privilege
sysctl -q -w net.ipv4.ip_forward=1
ip link add v0 type veth peer name v1; ip addr add 172.17.0.1/16 dev v0
iptables -A FORWARD -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
