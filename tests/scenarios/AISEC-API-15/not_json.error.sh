#!/bin/sh
# A line that is not JSON.
# lib: access_log
# reason: parse
thirty 200
echo oops >> /var/log/api/api_access.log
