#!/bin/sh
# Entries are written, and gone after four weeks. logrotate is a stand-in; its configuration is Debian's.
# lib: kernel_log
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
entry "$(date "+%b %e %T")" >> /var/log/kern.log
cp /bin/true /usr/sbin/logrotate
printf 'weekly\nrotate 4\ncreate\ninclude /etc/logrotate.d\n' > /etc/logrotate.conf
mkdir -p /etc/logrotate.d
printf '/var/log/syslog\n/var/log/kern.log\n/var/log/auth.log\n{\n\trotate 4\n\tweekly\n\tmissingok\n\tpostrotate\n\t\t/usr/lib/rsyslog/rsyslog-rotate\n\tendscript\n}\n' > /etc/logrotate.d/rsyslog
