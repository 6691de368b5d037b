#!/bin/sh
# A drop-in that a package brings has a later name than the one in /etc: the journal is in memory alone.
# remedy: {}
mkdir -p /usr/lib/systemd/journald.conf.d /etc/systemd/journald.conf.d /var/log/journal
printf '[Journal]\nStorage=volatile\n' > /usr/lib/systemd/journald.conf.d/90-package.conf
printf '[Journal]\nStorage=persistent\n' > /etc/systemd/journald.conf.d/10-keep.conf
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
systemctl restart systemd-journald
journalctl --sync
systemctl stop rsyslog.service syslog.socket
