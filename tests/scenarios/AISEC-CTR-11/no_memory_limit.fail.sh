#!/bin/sh
# Podman limits processes by itself, and not memory.
# host: services
# lib: containers
podman_up
in_podman
