#!/bin/sh
# Entries were written, by a service that has been stopped since.
# lib: kernel_log
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
entry "$(date "+%b %e %T")" >> /var/log/kern.log
rm -rf /var/log/journal
systemctl stop rsyslog.service syslog.socket
