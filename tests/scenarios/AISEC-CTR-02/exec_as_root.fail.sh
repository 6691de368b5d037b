#!/bin/sh
# Docker has started a process as root in a container that runs as another user: no child of its first process.
# host: services
# lib: containers
docker_up
in_docker --name server --user 1000 --read-only --cap-drop ALL
docker exec -d -u 0 server sleep 8000
wait_for pgrep -u root -f 'sleep 8000'
