#!/bin/sh
# Nothing that loads models.
rm -rf /srv/models
