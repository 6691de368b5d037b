#!/bin/sh
# A clean report of last month.
# host: services
# lib: containers
# reason: stale
docker_up
mkdir -p /var/lib/aisec/trivy
image=$(docker image inspect --format '{{.Id}}' localhost/busybox:1)
report "$image" NONE '' -30days > /var/lib/aisec/trivy/busybox.json
version > /var/lib/aisec/trivy/version.json
in_docker
