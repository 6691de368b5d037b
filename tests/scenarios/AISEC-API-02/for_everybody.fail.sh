#!/bin/sh
# A token, but the dashboard is there for everybody.
# Ray is a double: a program where its dashboard would lie, that plays answers.
# host: services
# lib: ray_double
SET=-ERAY_AUTH_MODE=token
ANSWERS='{"GET /api/jobs/": [200, "[]"]}'
ray 2.52.1 --host=0.0.0.0
