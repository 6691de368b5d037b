#!/bin/sh
# A service on every address that nobody declared.
cp /usr/sbin/sshd /usr/local/sbin/metrics
systemd-run -q --unit=metrics /usr/local/sbin/metrics -D -p 8265
wait_for listens 8265
