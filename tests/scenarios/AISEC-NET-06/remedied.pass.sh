#!/bin/sh
# The same store, filtered as the remedy says.
systemd-run -q /usr/sbin/sshd -D -p 29500
iptables -I INPUT -p tcp --dport 29500 ! -s 10.0.0.0/8 -j DROP
ip6tables -I INPUT -p tcp --dport 29500 -j DROP
wait_for listens 29500
