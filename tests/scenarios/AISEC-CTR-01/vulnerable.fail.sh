#!/bin/sh
# A critical vulnerability with a fix, in an old report, too.
# host: services
# lib: containers
docker_up
image=$(docker image inspect --format '{{.Id}}' localhost/busybox:1)
stored busybox "$image" CRITICAL 1.36.1 -20days
in_docker
