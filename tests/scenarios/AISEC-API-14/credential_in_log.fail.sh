#!/bin/sh
# One line in 300 shows a key in a query.
# lib: access_log
mkdir -p /var/log/api
for n in $(seq 300); do line 200 team-a $n; done > /var/log/api/api_access.log
line 200 team-a x | sed 's#/v1/chat/completions#/v1/models?api_key=Zx81kkQ2mmnd#' >> /var/log/api/api_access.log
