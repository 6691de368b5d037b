#!/bin/sh
# Without a filter of system calls.
# host: services
# lib: containers
# params: {require_mac: false}
podman_up
docker_up
in_podman --security-opt no-new-privileges --security-opt seccomp=unconfined
in_docker --security-opt no-new-privileges --security-opt seccomp=unconfined
