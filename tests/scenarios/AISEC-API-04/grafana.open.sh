#!/bin/sh
# Whether Grafana lets strangers in does not show. It is a double.
# host: services
# lib: double
ANSWERS={}
double grafana-server 3000 --port 3000
