#!/bin/sh
# The environment file of a project is readable by anybody.
# remedy: {FILE: /home/operator/project/api/.env, OWNER: operator}
mkdir -p /home/operator/project/api
echo x >/home/operator/project/api/.env
chown -R operator /home/operator/project
chmod 0644 /home/operator/project/api/.env
