#!/bin/sh
# A report for which trivy was not asked about vulnerabilities.
# host: services
# lib: containers
# reason: unreadable
docker_up
mkdir -p /var/lib/aisec/trivy
report "$(docker image inspect --format '{{.Id}}' localhost/busybox:1)" |
    sed 's/"Class": "os-pkgs"/"Class": "secret"/' > /var/lib/aisec/trivy/busybox.json
version > /var/lib/aisec/trivy/version.json
in_docker
