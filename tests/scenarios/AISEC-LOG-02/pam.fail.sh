#!/bin/sh
# Only PAM says that somebody guesses.
n=0; while [ $n -lt 15 ]; do echo "$(date "+%b %e %T") lab sshd[7]: error: PAM: Authentication failure for root from 203.0.113.9" >> /var/log/auth.log; n=$((n+1)); done
