#!/bin/sh
# Nothing but what is needed.
# host: services
# lib: containers
podman_up
docker_up
in_podman --cap-drop all --cap-add net_bind_service
in_docker --cap-drop ALL --cap-add IPC_LOCK
