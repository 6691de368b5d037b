#!/bin/sh
# A group on paper.
# host: aws
# params: {max_idle_days: 7}
aws logs create-log-group --log-group-name /ai/training-jobs
aws logs put-retention-policy --log-group-name /ai/training-jobs --retention-in-days 365
