#!/bin/sh
# No limits in the podman of another account.
# host: services
# lib: containers
rootless_podman ai_user run -d --network=none --cgroups=disabled localhost/busybox:1 sleep 9000
