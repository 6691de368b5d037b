#!/bin/sh
# The host's processes.
# host: services
# lib: containers
podman_up
in_podman --pid=host
