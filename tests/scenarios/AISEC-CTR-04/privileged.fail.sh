#!/bin/sh
# A privileged container beside a good one.
# host: services
# lib: containers
docker_up
in_docker --cap-drop ALL
in_docker --privileged --name trainer
