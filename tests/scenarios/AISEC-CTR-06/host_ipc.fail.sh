#!/bin/sh
# The host's shared memory.
# host: services
# lib: containers
docker_up
in_docker --ipc=host
