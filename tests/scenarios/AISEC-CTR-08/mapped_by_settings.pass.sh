#!/bin/sh
# Root is mapped by daemon.json, which dockerd was started with.
# host: services
# lib: containers
# params: {require_rootless: true}
mkdir -p /etc/docker
echo '{"userns-remap": "default"}' > /etc/docker/daemon.json
docker_up
