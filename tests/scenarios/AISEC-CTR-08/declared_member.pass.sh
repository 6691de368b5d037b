#!/bin/sh
# A member who was declared.
# host: services
# lib: containers
# params: {allowed_users: [auditor]}
usermod -aG docker auditor
docker_up
