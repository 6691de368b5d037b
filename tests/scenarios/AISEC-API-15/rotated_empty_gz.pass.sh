#!/bin/sh
# An empty log was rotated and compressed; who is served since then is not refused.
# lib: access_log
mkdir -p /var/log/api
: > /var/log/api/api_access.log
gzip /var/log/api/api_access.log
thirty 200
