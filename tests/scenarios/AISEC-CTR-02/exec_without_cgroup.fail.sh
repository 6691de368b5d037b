#!/bin/sh
# Root by exec in a container that has no control group.
# host: services
# lib: containers
podman_up
podman run -d --network=none --cgroups=disabled --user 1000 --name server localhost/busybox:1 sleep 9000
podman exec -d -u 0 server sleep 7000
wait_for pgrep -u root -x sleep
