#!/bin/sh
# No parameter makes SYS_ADMIN harmless.
# host: services
# lib: containers
# params: {allowed_caps: [SYS_ADMIN]}
docker_up
in_docker --cap-drop ALL --cap-add SYS_ADMIN
