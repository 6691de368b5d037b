#!/bin/sh
# Asked without a token, it refuses.
# Ray is a double: a program where its dashboard would lie, that plays answers.
# host: services
# lib: ray_double
# active: yes
SET=-ERAY_AUTH_MODE=token
ANSWERS='{"*": [401, ""]}'
ray 2.52.1 --host=127.0.0.1
