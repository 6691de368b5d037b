#!/bin/sh
# Lines of two formats in one file: the guessing stands in those of RFC 5424.
echo "$(date "+%b %e %T") lab sshd[6]: Accepted publickey for root from 192.0.2.1 port 4022 ssh2" >> /var/log/auth.log
n=0; while [ $n -lt 15 ]; do echo "<38>1 $(date -Is) lab sshd 7 - - Failed password for root from 203.0.113.9 port 4022 ssh2" >> /var/log/auth.log; n=$((n+1)); done
