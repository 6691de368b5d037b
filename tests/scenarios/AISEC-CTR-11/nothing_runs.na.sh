#!/bin/sh
# Containers that have ended are none.
# host: services
# lib: containers
docker_up
docker run --network=none localhost/busybox:1 id
