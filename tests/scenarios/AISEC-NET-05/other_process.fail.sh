#!/bin/sh
# Another program than the declared one listens on a declared port.
# params: {allowed: [{port: 22, process: sshd}, {port: 8265, process: ray}]}
cp /usr/sbin/sshd /usr/local/sbin/metrics
systemd-run -q --unit=metrics /usr/local/sbin/metrics -D -p 8265
wait_for listens 8265
