#!/bin/sh
# The recommended command, with both engines; the lab has no bridge.
# host: services
# lib: containers
podman_up
docker_up
docker run -d --network=none --user 1000:1000 --read-only -v /tmp:/tmp localhost/busybox:1 sleep 9000
podman run -d --network=none --cgroup-parent="$LAB_CGROUP" --user 1000:1000 --read-only -v /tmp:/tmp \
    localhost/busybox:1 sleep 9000
