#!/bin/sh
# Namespaces of their own, and more shared memory instead of the host's.
# host: services
# lib: containers
podman_up
docker_up
in_podman --shm-size 64m
in_docker --shm-size 64m
