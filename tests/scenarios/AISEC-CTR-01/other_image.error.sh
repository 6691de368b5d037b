#!/bin/sh
# A clean report on an image of the same name.
# host: services
# lib: containers
# reason: tool_missing
docker_up
mkdir -p /var/lib/aisec/trivy
report "sha256:$(printf %064d 7)" > /var/lib/aisec/trivy/busybox.json
version > /var/lib/aisec/trivy/version.json
in_docker
