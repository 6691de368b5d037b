#!/bin/sh
# The refusals stand in a compressed file.
# lib: access_log
thirty 403
gzip /var/log/api/api_access.log
thirty 200
