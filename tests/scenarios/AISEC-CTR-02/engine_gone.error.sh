#!/bin/sh
# Containers outlive their engine.
# host: services
# lib: containers
# reason: unreadable
docker_up --live-restore
in_docker --user 1000
pkill -KILL -x dockerd
sleep 1
