#!/bin/sh
# Whatever runs on the host can give orders, a browser among it.
# host: services
# lib: containers
docker_up -H unix:///run/docker.sock -H tcp://127.0.0.1:2399
