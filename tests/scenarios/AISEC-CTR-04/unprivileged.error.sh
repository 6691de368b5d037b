#!/bin/sh
# Who may not ask the engines sees that containers run, and nothing else of them.
# host: services
# lib: containers
# as: auditor
# reason: privilege
podman_up
in_podman --user 1000
