#!/bin/sh
# A tag of an approved registry.
# host: services
# lib: containers
# params: {approved_registries: [localhost]}
docker_up
in_docker
