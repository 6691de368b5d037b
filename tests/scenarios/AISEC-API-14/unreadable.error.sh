#!/bin/sh
# The log is closed to the auditor.
# lib: access_log
# as: auditor
# reason: privilege
mkdir -p /var/log/api
line 200 team-a 1 > /var/log/api/api_access.log
chmod 700 /var/log/api
