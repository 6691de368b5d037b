#!/bin/sh
# The parts of /proc that engines hide are shown.
# host: services
# lib: containers
# params: {require_mac: false}
podman_up
in_podman --security-opt no-new-privileges --security-opt unmask=/proc/kcore
