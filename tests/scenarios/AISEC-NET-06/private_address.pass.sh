#!/bin/sh
# A store on an address of the fabric. The listener is a stand-in.
systemd-run -q --setenv=MASTER_ADDR=10.77.1.1 --setenv=WORLD_SIZE=4 /usr/sbin/sshd -D -o ListenAddress=$(hostname -I | cut -d' ' -f1):29500
wait_for listens 29500
