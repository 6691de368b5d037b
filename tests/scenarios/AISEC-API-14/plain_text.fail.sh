#!/bin/sh
# The format of every web server since 1995.
mkdir -p /var/log/api
echo '203.0.113.5 - - [25/Nov/2026:10:00:00 +0000] "POST /v1/chat/completions HTTP/1.1" 200 12' > /var/log/api/api_access.log
