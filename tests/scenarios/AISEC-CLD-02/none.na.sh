#!/bin/sh
# Only groups of other things.
# host: aws
aws logs create-log-group --log-group-name /web/access
