#!/bin/sh
# Only root sees whose sockets listen.
# host: services
# lib: containers
# as: auditor
# reason: privilege
docker_up
