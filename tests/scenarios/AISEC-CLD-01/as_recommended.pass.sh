#!/bin/sh
# The commands that people are given.
# host: aws
aws logs create-log-group --log-group-name /ai/training-jobs
aws logs put-retention-policy --log-group-name /ai/training-jobs --retention-in-days 365
