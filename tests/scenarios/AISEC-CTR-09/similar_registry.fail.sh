#!/bin/sh
# A name that begins like an approved one.
# host: services
# lib: containers
# params: {approved_registries: [localhost/busybox]}
podman_up
podman tag localhost/busybox:1 localhost/busybox-mirror:1
digest=$(podman image inspect --format '{{.Digest}}' localhost/busybox:1)
podman run -d --network=none --cgroup-parent="$LAB_CGROUP" "localhost/busybox-mirror@$digest" sleep 9000
