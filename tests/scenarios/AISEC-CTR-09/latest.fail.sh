#!/bin/sh
# The newest, whatever that is.
# host: services
# lib: containers
# params: {approved_registries: [localhost], allow_tags: true}
docker_up
docker tag localhost/busybox:1 localhost/busybox:latest
docker run -d --network=none localhost/busybox sleep 9000
