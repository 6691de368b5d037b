#!/bin/sh
# Ray itself, with a token, on the network of its cluster.
# host: services
# lib: ray
# wheels: ray
# params: {allow_networks: ["127.0.0.0/8", "::1/128", "10.77.0.0/16"]}
ray_token
ray -E RAY_AUTH_MODE=token
