#!/bin/sh
# The directory of the log is there, and nobody has written to it.
mkdir -p /var/log/api
