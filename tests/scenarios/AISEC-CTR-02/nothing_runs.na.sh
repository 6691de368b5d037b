#!/bin/sh
# Containers that have ended are none.
# host: services
# lib: containers
podman_up
docker_up
podman run --network=none --cgroup-parent="$LAB_CGROUP" localhost/busybox:1 id
docker run --network=none localhost/busybox:1 id
