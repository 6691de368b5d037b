#!/bin/sh
# A token whose shape says what it is, under an innocent name.
# host: services
# lib: containers
docker_up
in_docker --memory 64m --pids-limit 64 -e HUB=hf_abcdefghijklmnopqrstuvwxyzABCDEFGH
