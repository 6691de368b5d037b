#!/bin/sh
# The same as sshd-session, with the newer time format.
n=0; while [ $n -lt 15 ]; do echo "$(date -Is) lab sshd-session[7]: Failed password for invalid user oracle from 203.0.113.9 port 4022 ssh2" >> /var/log/auth.log; n=$((n+1)); done
