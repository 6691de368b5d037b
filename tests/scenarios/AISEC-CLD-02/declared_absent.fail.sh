#!/bin/sh
# What was said to exist does not.
# host: aws
# params: {log_groups: ["/ai/*"]}
aws logs create-log-group --log-group-name /web/access
