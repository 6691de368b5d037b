#!/bin/sh
# The host's network by another name.
# host: services
# lib: containers
podman_up
podman run -d --cgroup-parent="$LAB_CGROUP" --network=ns:/proc/1/ns/net localhost/busybox:1 sleep 9000
