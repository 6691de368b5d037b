#!/bin/sh
# One line that stands for fifteen more.
echo "$(date "+%b %e %T") lab sshd[7]: message repeated 15 times: [ Failed password for root from 203.0.113.9 port 4022 ssh2]" >> /var/log/auth.log
