#!/bin/sh
# As containers come.
# host: services
# lib: containers
podman_up
in_podman --read-only
in_podman --name usual
