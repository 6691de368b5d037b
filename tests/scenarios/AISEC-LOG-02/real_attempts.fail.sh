#!/bin/sh
# Somebody really tries names: the lines are those of the server itself.
n=0; while [ $n -lt 12 ]; do ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null guess$n@127.0.0.1 true 2>/dev/null || :; n=$((n+1)); done
logged() { test "$(grep -c 'Invalid user guess' /var/log/auth.log)" = 12; }
wait_for logged
