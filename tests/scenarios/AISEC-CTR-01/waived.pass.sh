#!/bin/sh
# One that was waived by its number.
# host: services
# lib: containers
# params: {waived_vulnerabilities: [CVE-2099-0001]}
docker_up
stored 1 "$(docker image inspect --format '{{.Id}}' localhost/busybox:1)" HIGH 2
in_docker
