#!/bin/sh
# A private key over several lines.
# host: services
# lib: containers
docker_up
in_docker --memory 64m --pids-limit 64 -e "KEY=$(openssl genpkey -algorithm ed25519)"
