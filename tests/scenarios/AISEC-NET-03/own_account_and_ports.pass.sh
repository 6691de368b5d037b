#!/bin/sh
# For what this host can send: an account that is there, over HTTPS, after narrow rules and those for replies.
iptables -A OUTPUT -o lo -j ACCEPT
iptables -A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
iptables -A OUTPUT -d 203.0.113.0/24 -p tcp --dport 443 -j ACCEPT
iptables -A OUTPUT ! -o lo -p tcp -m multiport --dports 443,8443 -m owner --uid-owner "$(id -u auditor)" -j LOG --log-prefix "SUSPECT_OUT: "
iptables -A OUTPUT -p tcp -j ACCEPT
