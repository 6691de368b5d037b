#!/bin/sh
# Clients need a certificate.
# host: services
# lib: containers
cd /root
openssl req -quiet -x509 -newkey ed25519 -nodes -keyout ca.key -out ca.pem -subj /CN=lab -days 2 2> /dev/null ||
    openssl req -x509 -newkey ed25519 -nodes -keyout ca.key -out ca.pem -subj /CN=lab -days 2
docker_up -H unix:///run/docker.sock -H tcp://0.0.0.0:2376 --tlsverify --tlscacert ca.pem --tlscert ca.pem --tlskey ca.key
