#!/bin/sh
# A version that asks for a token by itself.
# Ray is a double: a program where its dashboard would lie, that plays answers.
# host: services
# lib: ray_double
ANSWERS={}
ray 2.61.0 --host=127.0.0.1
