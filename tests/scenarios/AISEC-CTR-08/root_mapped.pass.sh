#!/bin/sh
# Required, and so.
# host: services
# lib: containers
# params: {require_rootless: true}
docker_up --userns-remap=default
