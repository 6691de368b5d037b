#!/bin/sh
# Containers of somebody else's podman are not in root's lists.
# host: services
# lib: containers
# reason: privilege
rootless_podman ai_user run -d --network=none --cgroups=disabled localhost/busybox:1 sleep 9000
