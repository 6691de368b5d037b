#!/bin/sh
# The newer of two reports counts, whatever its name.
# host: services
# lib: containers
docker_up
mkdir -p /var/lib/aisec/trivy
image=$(docker image inspect --format '{{.Id}}' localhost/busybox:1)
report "$image" HIGH 1.36.1 -1hour > /var/lib/aisec/trivy/a.json
report "$image" NONE '' -2days > /var/lib/aisec/trivy/b.json
version > /var/lib/aisec/trivy/version.json
in_docker
