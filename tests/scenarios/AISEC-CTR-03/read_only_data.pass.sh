#!/bin/sh
# Data read-only, scratch space in memory, one declared place.
# host: services
# lib: containers
# params: {writable_allow: [/tmp, /var/tmp, /run, /out]}
podman_up
docker_up
mkdir -p /srv/models /srv/out
in_docker --read-only --tmpfs /tmp -v /srv/models:/models:ro -v /srv/out:/out
in_podman --read-only --tmpfs /tmp -v /srv/models:/models:ro -v /srv/out:/out
