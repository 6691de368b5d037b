#!/bin/sh
# Failures of the day before yesterday are over.
n=0; while [ $n -lt 15 ]; do echo "$(date -d '2 days ago' '+%b %e %T') lab sshd[7]: Failed password for root from 203.0.113.9 port 4022 ssh2" >> /var/log/auth.log; n=$((n+1)); done
