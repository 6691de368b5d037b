#!/bin/sh
# The host's shared memory, where that was declared.
# host: services
# lib: containers
# params: {allow_ipc_host: true}
podman_up
docker_up
in_docker --ipc=host
in_podman --ipc=host
