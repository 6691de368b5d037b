#!/bin/sh
# A password that looks like any word.
# host: services
# lib: containers
podman_up
in_podman --memory 64m --pids-limit 64 -e POSTGRES_PASSWORD=abc
