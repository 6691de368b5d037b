#!/bin/sh
# Root in the container is nobody on the host.
# host: services
# lib: containers
podman_up
in_podman --uidmap 0:100000:65536 --gidmap 0:100000:65536
podman ps > /dev/null # gives its directories in /run back to root
docker_up --userns-remap=default
in_docker
