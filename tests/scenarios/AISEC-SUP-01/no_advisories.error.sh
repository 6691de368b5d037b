#!/bin/sh
# There is no index.
# advisories: nowhere.sqlite
# reason: stale
mkdir -p /opt/app/lib/python3.11/site-packages/numpy-1.26.4.dist-info
