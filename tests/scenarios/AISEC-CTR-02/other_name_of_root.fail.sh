#!/bin/sh
# A name whose number in the image is 0.
# host: services
# lib: containers
podman_up
in_podman --user toor
