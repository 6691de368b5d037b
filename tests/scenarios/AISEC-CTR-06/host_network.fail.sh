#!/bin/sh
# The host's network, as quick-starts have it.
# host: services
# lib: containers
docker_up
docker run -d --network=host localhost/busybox:1 sleep 9000
