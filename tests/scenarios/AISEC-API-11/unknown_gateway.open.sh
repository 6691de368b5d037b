#!/bin/sh
# Whether a program that is not known limits does not show.
# The gateway is a double.
# host: services
# lib: double
ANSWERS='{"*": [200, "{}"]}'
double gateway 8080 --port 8080
