#!/bin/sh
# What replaces the bind of /tmp; data, a volume, and the time of the host.
# host: services
# lib: containers
podman_up
docker_up
mkdir -p /srv/data /home/ai_user/data
in_docker --tmpfs /tmp -v /srv/data:/data -v state:/state -v /etc/localtime:/etc/localtime:ro -v /usr/share:/s:ro
in_podman --tmpfs /tmp -v /srv/data:/data -v state:/state -v /home/ai_user/data:/d
