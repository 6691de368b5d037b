#!/bin/sh
# Nobody is ever named in the field that says who asked.
# lib: access_log
mkdir -p /var/log/api
for n in 1 2 3 4 5; do line 200 - $n; done > /var/log/api/api_access.log
