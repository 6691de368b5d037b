#!/bin/sh
# Nothing keeps what the kernel logs.
# remedy: {}
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
systemctl stop rsyslog.service syslog.socket 2>/dev/null
rm -rf /var/log/journal
