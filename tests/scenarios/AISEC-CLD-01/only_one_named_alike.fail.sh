#!/bin/sh
# AWS finds groups by the beginning of their name: the old group is not the group.
# host: aws
aws logs create-log-group --log-group-name /ai/training-jobs-old
aws logs put-retention-policy --log-group-name /ai/training-jobs-old --retention-in-days 365
