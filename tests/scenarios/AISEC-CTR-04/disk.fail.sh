#!/bin/sh
# A disk of the host as a device.
# host: services
# lib: containers
docker_up
mknod /dev/sdz b 65 144
in_docker --cap-drop ALL --device /dev/sdz
