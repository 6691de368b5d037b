#!/bin/sh
# The podman of another account keeps its state where nobody looks.
# host: services
# lib: containers
# reason: privilege
RUN=/srv/run
rootless_podman ai_user run -d --network=none --cgroups=disabled localhost/busybox:1 sleep 9000
