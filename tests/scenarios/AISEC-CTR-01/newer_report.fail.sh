#!/bin/sh
# The newer of two reports counts, whatever its name.
# host: services
# lib: containers
docker_up
image=$(docker image inspect --format '{{.Id}}' localhost/busybox:1)
stored a "$image" HIGH 1.36.1 -1hour
stored b "$image" NONE '' -2days
in_docker
