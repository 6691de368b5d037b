#!/bin/sh
# Neither models nor caches.
rm -rf /srv/models /root/.cache
