#!/bin/sh
# A read-only root with a writable directory of the host elsewhere.
# host: services
# lib: containers
docker_up
mkdir /srv/models
in_docker --read-only -v /srv/models:/models
