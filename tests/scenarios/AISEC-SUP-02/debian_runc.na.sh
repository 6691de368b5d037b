#!/bin/sh
# The only runc is that of Debian, which mends it under its old number.
# host: services
set -e
test -x /usr/sbin/runc
