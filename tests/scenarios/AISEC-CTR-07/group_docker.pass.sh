#!/bin/sh
# Who may ask docker sees where mounts lead, too.
# host: services
# lib: containers
# as: auditor
docker_up
mkdir /srv/data
usermod -aG docker auditor
in_docker -v /srv/data:/data
