#!/bin/sh
# Started by the id of the image: exact, and from nowhere.
# host: services
# lib: containers
# params: {approved_registries: [localhost]}
docker_up
docker run -d --network=none "$(docker image inspect --format '{{.Id}}' localhost/busybox:1)" sleep 9000
