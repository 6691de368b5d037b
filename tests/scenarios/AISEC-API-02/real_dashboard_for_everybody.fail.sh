#!/bin/sh
# Ray itself, with a token, and its dashboard on every address.
# host: services
# lib: ray
# wheels: ray
# params: {allow_networks: ["127.0.0.0/8", "::1/128", "10.77.0.0/16"]}
ray_token
HOW=--dashboard-host=0.0.0.0
ray -E RAY_AUTH_MODE=token
