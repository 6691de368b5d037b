#!/bin/sh
# A volume is as writable as a directory.
# host: services
# lib: containers
podman_up
in_podman --read-only -v weights:/models
