#!/bin/sh
# Fresh reports on the images of both engines, and no trivy on the host.
# host: services
# lib: containers
podman_up
docker_up
stored docker "$(docker image inspect --format '{{.Id}}' localhost/busybox:1)"
stored podman "$(podman image inspect --format '{{.Id}}' localhost/busybox:1)"
in_docker
in_podman
