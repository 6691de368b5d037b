#!/bin/sh
# One that was waived by its number.
# host: services
# lib: containers
# params: {waived_vulnerabilities: [CVE-2099-0001]}
docker_up
mkdir -p /var/lib/aisec/trivy
report "$(docker image inspect --format '{{.Id}}' localhost/busybox:1)" HIGH 2 > /var/lib/aisec/trivy/1.json
version > /var/lib/aisec/trivy/version.json
in_docker
