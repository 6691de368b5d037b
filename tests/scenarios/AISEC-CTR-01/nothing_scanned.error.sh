#!/bin/sh
# A report for which trivy was not asked about vulnerabilities.
# host: services
# lib: containers
# reason: unreadable
docker_up
stored busybox "$(docker image inspect --format '{{.Id}}' localhost/busybox:1)"
sed -i 's/"Class": "os-pkgs"/"Class": "secret"/' /var/lib/aisec/trivy/busybox.json
in_docker
