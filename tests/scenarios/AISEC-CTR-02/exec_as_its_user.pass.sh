#!/bin/sh
# What was started later runs as the user of the container, and root's processes of the host are not in it.
# host: services
# lib: containers
docker_up
in_docker --name server --user 1000
docker exec -d server sleep 8000
podman_up
in_podman --name beside --user 1000
podman exec -d beside sleep 7000
setsid sleep 6000 < /dev/null > /dev/null 2>&1 &
wait_for pgrep -u 1000 -f 'sleep 7000'
