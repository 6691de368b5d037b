#!/bin/sh
# Who may not ask the engine.
# host: services
# lib: containers
# as: auditor
# reason: privilege
docker_up
in_docker
