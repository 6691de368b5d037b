#!/bin/sh
# Somebody runs a program as root in the container of another user: it descends from none of its processes.
# host: services
# lib: containers
docker_up
docker run -d --name c1 --network=none --user 1000 localhost/busybox:1 sleep 9000
docker exec -d -u 0 c1 sleep 8000
wait_for pgrep -u root -f 'sleep 8000'
