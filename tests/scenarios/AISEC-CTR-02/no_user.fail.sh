#!/bin/sh
# An image without USER starts as root; a good container stands beside it.
# host: services
# lib: containers
podman_up
docker_up
in_podman --user 1000
in_docker --name root
