#!/bin/sh
# By digest, from an approved place.
# host: services
# lib: containers
# params: {approved_registries: [localhost]}
podman_up
digest=$(podman image inspect --format '{{.Digest}}' localhost/busybox:1)
podman run -d --network=none --cgroup-parent="$LAB_CGROUP" "localhost/busybox@$digest" sleep 9000
