#!/bin/sh
# jq finds no 401 where the status is a text.
# lib: access_log
mkdir -p /var/log/api
for n in 1 2 3 4 5; do line '"401"' team-a $n; done > /var/log/api/api_access.log
