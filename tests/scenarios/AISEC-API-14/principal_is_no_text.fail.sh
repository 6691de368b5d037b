#!/bin/sh
# What stands where somebody is named is true, nothing in a list or blanks.
# lib: access_log
mkdir -p /var/log/api
for n in 1 2 3 4 5 6; do line 200 @ $n; done |
    sed '1,2s/"@"/true/; 3,4s/"@"/[null]/; 5,6s/@/  /' > /var/log/api/api_access.log
