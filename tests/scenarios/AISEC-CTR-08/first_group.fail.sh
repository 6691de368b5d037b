#!/bin/sh
# A member whom the file of groups does not name.
# host: services
# lib: containers
useradd --gid docker deployer
docker_up
