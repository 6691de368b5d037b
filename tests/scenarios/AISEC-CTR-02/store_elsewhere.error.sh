#!/bin/sh
# A container in a store of podman that is not where podman looks.
# host: services
# lib: containers
# reason: unreadable
podman_up
in_podman --user 1000
other() { podman --root /var/lib/containers/other --runroot /run/other --tmpdir /run/other-tmp "$@"; }
tar -C /var/lib/busybox -c . | other import -q - localhost/busybox:1
other run -d --network=none --cgroup-parent="$LAB_CGROUP" localhost/busybox:1 sleep 9000
