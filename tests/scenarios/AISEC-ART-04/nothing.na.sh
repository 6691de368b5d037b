#!/bin/sh
# No model directory.
set -e
rm -rf /srv/models
