#!/bin/sh
# Root in one's own rootless container is oneself on the host.
# host: services
# lib: containers
# as: ai_user
rootless_podman ai_user run -d --network=none --cgroups=disabled localhost/busybox:1 sleep 9000
