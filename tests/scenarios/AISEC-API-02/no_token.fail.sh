#!/bin/sh
# As installed.
# Ray is a double: a program where its dashboard would lie, that plays answers.
# host: services
# lib: ray_double
ANSWERS='{"GET /api/jobs/": [200, "[]"]}'
ray 2.52.1 --host=127.0.0.1
