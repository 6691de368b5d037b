#!/bin/sh
# There is no ss, and netstat shows a connection to an address outside the allowlist.
# lib: outbound
outbound
rm -f /usr/bin/ss /bin/ss
