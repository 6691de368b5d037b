#!/bin/sh
# Who may ask docker, and not follow what a link leads to.
# host: services
# lib: containers
# as: auditor
# reason: privilege
docker_up
mkdir /srv/data
adduser --quiet auditor docker > /dev/null 2>&1 || usermod -aG docker auditor
in_docker -v /srv/data:/data
