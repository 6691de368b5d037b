#!/bin/sh
# An engine without containers.
# host: services
# lib: containers
docker_up
