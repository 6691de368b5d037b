#!/bin/sh
# Declared for one address, bound to all.
# params: {allowed: [{port: 22, process: sshd}, {port: 8265, address: 10.77.1.1}]}
cp /usr/sbin/sshd /usr/local/sbin/metrics
systemd-run -q --unit=metrics /usr/local/sbin/metrics -D -p 8265
wait_for listens 8265
