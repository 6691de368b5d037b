#!/bin/sh
# Both engines as they come.
# host: services
# lib: containers
podman_up
docker_up
in_podman
setsid podman system service --time=0 unix:///run/podman/podman.sock > /dev/null 2>&1 < /dev/null &
wait_for sh -c 'ss -Hlx | grep -qF /run/podman/podman.sock'
