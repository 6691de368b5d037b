#!/bin/sh
# Fresh reports on the images of both engines, and no trivy on the host.
# host: services
# lib: containers
podman_up
docker_up
mkdir -p /var/lib/aisec/trivy
report "$(docker image inspect --format '{{.Id}}' localhost/busybox:1)" > /var/lib/aisec/trivy/docker.json
report "$(podman image inspect --format '{{.Id}}' localhost/busybox:1)" > /var/lib/aisec/trivy/podman.json
version > /var/lib/aisec/trivy/version.json
in_docker
in_podman
