#!/bin/sh
# Docker limits neither.
# host: services
# lib: containers
docker_up
in_docker --memory 64m
in_docker --memory 64m --pids-limit -1
