#!/bin/sh
# A harmless name that is a link.
# host: services
# lib: containers
docker_up
ln -s /etc /srv/settings
in_docker -v /srv/settings:/settings:ro
