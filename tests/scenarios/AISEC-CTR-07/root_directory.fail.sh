#!/bin/sh
# No image: the root of the host as the container's own.
# host: services
# lib: containers
podman_up
mkdir /srv/root
mount --bind / /srv/root
podman run -d --network=none --cgroup-parent="$LAB_CGROUP" --read-only --rootfs /srv/root sleep 9000
