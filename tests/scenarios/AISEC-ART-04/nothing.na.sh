#!/bin/sh
# No model directory.
rm -rf /srv/models
