#!/bin/sh
# The recommended rule, word for word, and its entry in kern.log.
# lib: kernel_log
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
entry "$(date "+%b %e %T")" >> /var/log/kern.log
