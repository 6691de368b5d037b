#!/bin/sh
# Root is mapped on paper, and dockerd was started before.
# host: services
# lib: containers
# params: {require_rootless: true}
# reason: stale
mkdir -p /etc/docker
docker_up
echo '{"userns-remap": "default"}' > /etc/docker/daemon.json
