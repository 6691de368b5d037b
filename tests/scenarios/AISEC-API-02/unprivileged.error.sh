#!/bin/sh
# Its environment is seen by its user and root alone.
# Ray is a double: a program where its dashboard would lie, that plays answers.
# host: services
# lib: ray_double
# as: auditor
# reason: privilege
SET=-ERAY_AUTH_MODE=token ANSWERS={}
ray 2.52.1 --host=127.0.0.1
