#!/bin/sh
# What the daemon sets for all does not show in inspect.
# host: services
# lib: containers
# params: {require_mac: false}
docker_up --no-new-privileges
in_docker
