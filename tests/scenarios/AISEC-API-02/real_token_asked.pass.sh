#!/bin/sh
# Ray itself finds a token in its home and asks for it from then on; asked without, it refuses.
# host: services
# lib: ray
# wheels: ray
# active: yes
# params: {allow_networks: ["127.0.0.0/8", "::1/128", "10.77.0.0/16"]}
ray_token
ray
