#!/bin/sh
# A clean report on an image of the same name.
# host: services
# lib: containers
# reason: tool_missing
docker_up
stored busybox "sha256:$(printf %064d 7)"
in_docker
