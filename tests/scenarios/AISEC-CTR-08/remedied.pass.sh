#!/bin/sh
# A socket for everybody and a member too many, put right as the remediation says.
# host: services
# lib: containers
usermod -aG docker auditor
docker_up
chmod 666 /run/docker.sock
chmod 660 /run/docker.sock
gpasswd -d auditor docker
