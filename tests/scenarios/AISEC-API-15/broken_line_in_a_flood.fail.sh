#!/bin/sh
# One line is broken; the flood stands before and behind it.
# lib: access_log
thirty 401
echo oops >> /var/log/api/api_access.log
tail -n 31 /var/log/api/api_access.log | head -n 30 > /tmp/again
cat /tmp/again >> /var/log/api/api_access.log
