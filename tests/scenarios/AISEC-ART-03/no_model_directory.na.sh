#!/bin/sh
# Neither models nor caches.
set -e
rm -rf /srv/models /root/.cache
