#!/bin/sh
# Limits, and variables that only sound like secrets.
# host: services
# lib: containers
podman_up
docker_up
in_podman --memory 64m --pids-limit 64 -e TOKENIZERS_PARALLELISM=false -e MAX_TOKENS=4096
in_docker --memory 64m --pids-limit 64 -e DB_PASSWORD_FILE=/run/secrets/db -e HF_TOKEN=
