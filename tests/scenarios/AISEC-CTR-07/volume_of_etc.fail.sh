#!/bin/sh
# A named volume that is a directory of the host.
# host: services
# lib: containers
docker_up
in_docker --mount type=volume,src=plain,dst=/v,volume-driver=local,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/etc
