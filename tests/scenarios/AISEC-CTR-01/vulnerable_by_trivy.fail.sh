#!/bin/sh
# What trivy on the host says; a player stands for it.
# host: services
# lib: containers
docker_up
trivy_player HIGH 1.36.1
in_docker
