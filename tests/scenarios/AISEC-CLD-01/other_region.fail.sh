#!/bin/sh
# Right in one of two regions, where each is to have it.
# host: aws
# params: {regions: [eu-central-1, us-east-1], in_each_region: true}
aws logs create-log-group --log-group-name /ai/training-jobs
aws logs put-retention-policy --log-group-name /ai/training-jobs --retention-in-days 400
