#!/bin/sh
# The same by daemon.json.
# host: services
# lib: containers
mkdir -p /etc/docker
echo '{"hosts": ["unix:///run/docker.sock", "tcp://0.0.0.0:2375"], "tls": false}' > /etc/docker/daemon.json
docker_up
