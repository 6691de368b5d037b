#!/bin/sh
# A clean report of last month.
# host: services
# lib: containers
# reason: stale
docker_up
image=$(docker image inspect --format '{{.Id}}' localhost/busybox:1)
stored busybox "$image" NONE '' -30days
in_docker
