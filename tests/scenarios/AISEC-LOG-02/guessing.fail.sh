#!/bin/sh
# Fifteen wrong passwords from one address.
n=0; while [ $n -lt 15 ]; do echo "$(date "+%b %e %T") lab sshd[7]: Failed password for root from 203.0.113.9 port 4022 ssh2" >> /var/log/auth.log; n=$((n+1)); done
