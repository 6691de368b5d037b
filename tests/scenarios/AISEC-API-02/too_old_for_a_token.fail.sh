#!/bin/sh
# The variable is set, and this version does not know it.
# Ray is a double: a program where its dashboard would lie, that plays answers.
# host: services
# lib: ray_double
SET=-ERAY_AUTH_MODE=token
ANSWERS='{"GET /api/jobs/": [200, "[]"]}'
ray 2.40.0 --host=127.0.0.1
