#!/bin/sh
# Nothing that loads models.
set -e
rm -rf /srv/models
