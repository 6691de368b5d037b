#!/bin/sh
# The failures were rotated and compressed.
n=0; while [ $n -lt 15 ]; do echo "$(date "+%b %e %T") lab sshd[7]: Failed publickey for root from 203.0.113.9 port 4022 ssh2: RSA SHA256:x" >> /var/log/auth.log; n=$((n+1)); done
gzip -c /var/log/auth.log > /var/log/auth.log.2.gz; : > /var/log/auth.log
