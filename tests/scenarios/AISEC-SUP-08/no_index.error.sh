#!/bin/sh
# Without an index most malicious releases are not known.
# advisories: nowhere.sqlite
# reason: stale
mkdir -p /opt/app/lib/python3.11/site-packages/litellm-1.83.0.dist-info
