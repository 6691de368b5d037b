#!/bin/sh
# A tag, where that was declared enough.
# host: services
# lib: containers
# params: {approved_registries: [localhost], allow_tags: true}
podman_up
docker_up
in_docker
in_podman
