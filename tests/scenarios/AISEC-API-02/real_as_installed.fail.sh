#!/bin/sh
# Ray itself, as `ray start --head` brings it up: no token.
# host: services
# lib: ray
# wheels: ray
# params: {allow_networks: ["127.0.0.0/8", "::1/128", "10.77.0.0/16"]}
ray
