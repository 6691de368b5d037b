#!/bin/sh
# The daemon maps users, and one container is exempt.
# host: services
# lib: containers
docker_up --userns-remap=default
in_docker
in_docker --userns=host
