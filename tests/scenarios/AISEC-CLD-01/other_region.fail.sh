#!/bin/sh
# Right in one of two regions.
# host: aws
# params: {regions: [eu-central-1, us-east-1]}
aws logs create-log-group --log-group-name /ai/training-jobs
aws logs put-retention-policy --log-group-name /ai/training-jobs --retention-in-days 400
