#!/bin/sh
# The host forwards, and nothing makes its kernel track connections.
# host: services
# reason: unreadable
sysctl -q -w net.ipv4.ip_forward=1
ip link add v0 type veth peer name v1; ip addr add 172.17.0.1/16 dev v0
