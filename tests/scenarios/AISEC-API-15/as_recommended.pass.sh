#!/bin/sh
# Thirty requests, all answered.
# lib: access_log
thirty 200
grep -c 401 /var/log/api/api_access.log || true
