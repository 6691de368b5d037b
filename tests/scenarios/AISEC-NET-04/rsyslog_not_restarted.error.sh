#!/bin/sh
# On paper rsyslog keeps what the kernel logs; the rsyslogd that runs was started without imklog.
# reason: stale
rm -rf /var/log/journal
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
sed -i 's/^module(load="imklog"/#&/' /etc/rsyslog.conf
systemctl restart rsyslog
later() { touch -d '0.2 seconds ago' /run/now; test /run/now -nt "/proc/$(pgrep -x rsyslogd)"; }
wait_for later
sed -i 's/^#\(module(load="imklog"\)/\1/' /etc/rsyslog.conf
