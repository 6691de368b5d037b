#!/bin/sh
# Neither a report nor trivy.
# host: services
# lib: containers
# reason: tool_missing
podman_up
in_podman
