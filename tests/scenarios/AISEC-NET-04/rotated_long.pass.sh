#!/bin/sh
# Entries are kept as long as the remedy says.
# lib: kernel_log
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
entry "$(date "+%b %e %T")" >> /var/log/kern.log
cp /bin/true /usr/sbin/logrotate
printf 'weekly\nrotate 4\n' > /etc/logrotate.conf
mkdir -p /etc/logrotate.d
printf '/var/log/kern.log /var/log/messages {\n  daily\n  rotate 90\n}\n' > /etc/logrotate.d/rsyslog
