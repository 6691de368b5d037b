#!/bin/sh
# An account's program on the socket of its engine answers for root's container, whose user is root.
# host: services
# lib: containers lying_engine
docker_up
in_docker
lying_engine ai_user
