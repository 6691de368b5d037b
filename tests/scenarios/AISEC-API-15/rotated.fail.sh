#!/bin/sh
# The refusals stand in the rotated file, the new one is clean.
# lib: access_log
thirty 403
mv /var/log/api/api_access.log /var/log/api/api_access.log.1
thirty 200
