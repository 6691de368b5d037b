#!/bin/sh
# A critical vulnerability with a fix, in an old report, too.
# host: services
# lib: containers
docker_up
mkdir -p /var/lib/aisec/trivy
image=$(docker image inspect --format '{{.Id}}' localhost/busybox:1)
report "$image" CRITICAL 1.36.1 -20days > /var/lib/aisec/trivy/busybox.json
version > /var/lib/aisec/trivy/version.json
in_docker
