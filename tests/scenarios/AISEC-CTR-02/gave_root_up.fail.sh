#!/bin/sh
# Root only until the entrypoint gives it up: docker exec gets it back.
# host: services
# lib: containers
docker_up
docker run -d --network=none localhost/busybox:1 su app -c 'exec sleep 9000'
