#!/bin/sh
# The lab's kernel has neither AppArmor nor SELinux.
# host: services
# lib: containers
# params: {require_mac: false}
podman_up
docker_up
in_podman --security-opt no-new-privileges
in_docker --security-opt no-new-privileges:true
