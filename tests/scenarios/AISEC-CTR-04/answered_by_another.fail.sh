#!/bin/sh
# An account's program on the socket of its engine answers for root's container with SYS_ADMIN.
# host: services
# lib: containers lying_engine
docker_up
in_docker --cap-add SYS_ADMIN
lying_engine ai_user
