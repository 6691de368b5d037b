#!/bin/sh
# A kernel without AppArmor and SELinux.
# host: services
# lib: containers
docker_up
in_docker --security-opt no-new-privileges
