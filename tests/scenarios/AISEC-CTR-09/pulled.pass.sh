#!/bin/sh
# Docker, from a registry on the host, by digest.
# host: services
# lib: containers
# params: {approved_registries: ["127.0.0.1:5000/models"]}
docker_up
registry
docker run -d --network=none "127.0.0.1:5000/models/server@$digest" sleep 9000
