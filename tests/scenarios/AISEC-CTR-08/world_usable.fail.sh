#!/bin/sh
# The socket is for everybody.
# host: services
# lib: containers
# remedy: {}
docker_up
chmod 666 /run/docker.sock
