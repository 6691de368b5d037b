#!/bin/sh
# An administrator who uses sudo sees what root sees.
# host: services
# lib: containers
# as: operator
# sudo: yes
docker_up
in_docker --user 1000
