#!/bin/sh
# Containers outlive their engine.
# host: services
# lib: containers
# reason: unreadable
docker_up --live-restore
in_docker --user 1000
pkill -KILL -x dockerd
wait_for gone dockerd
wait_for gone containerd
