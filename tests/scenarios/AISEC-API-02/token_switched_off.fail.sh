#!/bin/sh
# A version that would ask for a token, and is told not to.
# Ray is a double: a program where its dashboard would lie, that plays answers.
# host: services
# lib: ray_double
SET=-ERAY_AUTH_MODE=disabled ANSWERS={}
ray 2.61.0 --host=127.0.0.1
