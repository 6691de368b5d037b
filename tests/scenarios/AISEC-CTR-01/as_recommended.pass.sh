#!/bin/sh
# The recommended command; a player of recorded output stands for trivy.
# host: services
# lib: containers
docker_up
trivy_player
trivy image localhost/busybox:1 > /dev/null
in_docker
