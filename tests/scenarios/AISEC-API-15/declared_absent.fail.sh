#!/bin/sh
# A declared log that is not there.
# params: {access_log: /srv/api/access.log}
true
