#!/bin/sh
# The recommended command hands the host's /tmp to a container of podman.
# host: services
# lib: containers
podman_up
podman run -d --network=none --cgroup-parent="$LAB_CGROUP" --user 1000:1000 --read-only -v /tmp:/tmp \
    localhost/busybox:1 sleep 9000
