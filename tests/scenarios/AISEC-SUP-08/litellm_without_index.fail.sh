#!/bin/sh
# The releases of the list need no index.
# advisories: nowhere.sqlite
mkdir -p /home/ai_user/.local/lib/python3.11/site-packages/ultralytics-8.3.46.dist-info
