#!/bin/sh
# The log is closed to the auditor.
# lib: access_log
# as: auditor
# reason: privilege
thirty 200
chmod 600 /var/log/api/api_access.log
