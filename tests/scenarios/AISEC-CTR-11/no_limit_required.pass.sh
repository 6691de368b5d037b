#!/bin/sh
# Without limits, where none are required.
# host: services
# lib: containers
# params: {require_memory: false, require_pids: false}
podman_up
in_podman --pids-limit 0
