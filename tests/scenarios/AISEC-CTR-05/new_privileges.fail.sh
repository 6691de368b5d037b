#!/bin/sh
# As containers come.
# host: services
# lib: containers
# params: {require_mac: false}
podman_up
in_podman --security-opt no-new-privileges
in_podman --name usual
