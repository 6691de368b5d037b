#!/bin/sh
# The last line is still being written.
# lib: access_log
thirty 200
printf '{"timest' >> /var/log/api/api_access.log
