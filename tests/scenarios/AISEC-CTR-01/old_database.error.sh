#!/bin/sh
# A report of today, with the database of last year.
# host: services
# lib: containers
# reason: stale
docker_up
stored busybox "$(docker image inspect --format '{{.Id}}' localhost/busybox:1)"
version -400days > /var/lib/aisec/trivy/version.json
in_docker
