#!/bin/sh
# Podman's own service for the network.
# host: services
# lib: containers
podman_up
setsid podman system service --time=0 tcp:127.0.0.1:8888 > /dev/null 2>&1 < /dev/null &
wait_for listens 8888
