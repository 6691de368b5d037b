#!/bin/sh
# What engines leave to a container is more than it needs, also to an unprivileged user.
# host: services
# lib: containers
podman_up
in_podman --user 1000
