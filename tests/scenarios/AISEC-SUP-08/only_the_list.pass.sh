#!/bin/sh
# The profile wants the list alone.
# advisories: nowhere.sqlite
# params: {index: false}
mkdir -p /opt/app/lib/python3.11/site-packages/litellm-1.83.0.dist-info
