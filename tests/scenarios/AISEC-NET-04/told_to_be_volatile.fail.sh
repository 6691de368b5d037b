#!/bin/sh
# journald is told to keep its journal in memory, of a size, and rsyslog does not run.
# remedy: {}
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
printf '[Journal]\nStorage=volatile\nSystemMaxUse=50M\n' > /etc/systemd/journald.conf
systemctl restart systemd-journald
systemctl stop rsyslog.service syslog.socket
