#!/bin/sh
# A token, a version that knows it, and only for this host.
# Ray is a double: a program where its dashboard would lie, that plays answers.
# host: services
# lib: ray_double
SET=-ERAY_AUTH_MODE=token ANSWERS={}
ray 2.52.1 --host=127.0.0.1
