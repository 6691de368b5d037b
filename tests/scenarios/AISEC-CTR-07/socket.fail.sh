#!/bin/sh
# The engine's socket, under another name.
# host: services
# lib: containers
docker_up -H unix:///run/docker.sock -H unix:///srv/engine
in_docker -v /srv/engine:/engine
