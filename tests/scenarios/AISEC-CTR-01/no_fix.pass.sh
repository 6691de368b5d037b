#!/bin/sh
# Nothing to install yet, and one that was waived.
# host: services
# lib: containers
podman_up
stored 1 "$(podman image inspect --format '{{.Id}}' localhost/busybox:1)" CRITICAL ''
in_podman
