#!/bin/sh
# Who may not ask the engine.
# host: services
# lib: containers
# as: auditor
# reason: privilege
podman_up
in_podman
