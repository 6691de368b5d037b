#!/bin/sh
# It answers 404 where its API should be. It is a double.
# host: services
# lib: double
# active: yes
# reason: parse
ANSWERS={}
double grafana-server 3000 --port 3000
