#!/bin/sh
# A privileged container, running as an unprivileged user.
# host: services
# lib: containers
podman_up
in_podman --privileged --user 1000
