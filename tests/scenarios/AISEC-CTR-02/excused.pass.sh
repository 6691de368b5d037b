#!/bin/sh
# A container that was excused by name.
# host: services
# lib: containers
# params: {allow_containers: [export*]}
docker_up
in_docker --name exporter
in_docker --name model --user 1000
