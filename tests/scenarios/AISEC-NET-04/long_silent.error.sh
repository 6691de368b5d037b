#!/bin/sh
# The last entry is twenty days old, and nothing was written there since, although a service runs that could.
# lib: kernel_log
# reason: stale
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
entry "$(date -d '20 days ago' "+%b %e %T")" > /var/log/kern.log
