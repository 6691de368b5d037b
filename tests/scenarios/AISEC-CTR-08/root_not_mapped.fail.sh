#!/bin/sh
# Required, and not so.
# host: services
# lib: containers
# params: {require_rootless: true}
docker_up
