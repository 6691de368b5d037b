#!/bin/sh
# A paused container still has its processes.
# host: services
# lib: containers
podman_up
in_podman --name root
podman pause root
