#!/bin/sh
# One more account, where the mode does not show it.
# host: services
# lib: containers
docker_up
setfacl -m u:auditor:rw /run/docker.sock
