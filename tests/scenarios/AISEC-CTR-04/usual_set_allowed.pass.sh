#!/bin/sh
# The usual set, where that was declared enough.
# host: services
# lib: containers
# params: {require_drop_all: false}
podman_up
docker_up
in_podman
in_docker
