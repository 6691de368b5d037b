#!/bin/sh
# Only the journal has the failures: nothing writes auth.log.
systemctl stop rsyslog.service syslog.socket 2>/dev/null
rm -f /var/log/auth.log
n=0; while [ $n -lt 15 ]; do logger -t sshd-session -p auth.info "Failed password for root from 203.0.113.9 port 4022 ssh2"; n=$((n+1)); done
logged() { test "$(journalctl -q -t sshd-session | grep -c 'Failed password')" = 15; }
wait_for logged
