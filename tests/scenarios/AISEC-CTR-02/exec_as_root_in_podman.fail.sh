#!/bin/sh
# The same in podman.
# host: services
# lib: containers
podman_up
in_podman --name server --user 1000 --cap-drop ALL
podman exec -d -u 0 server sleep 7000
wait_for pgrep -u root -x sleep
