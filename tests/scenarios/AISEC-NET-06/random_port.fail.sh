#!/bin/sh
# A member of a job listens on a port that nobody foresaw; only its environment tells what it is.
# host: services
systemd-run -q --setenv=WORLD_SIZE=4 --setenv=MASTER_ADDR=gpu-0 python3 -m http.server 41234
wait_for listens 41234
