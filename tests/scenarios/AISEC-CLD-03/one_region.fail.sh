#!/bin/sh
# A trail of one region, and none in the other.
# host: aws
# params: {regions: [us-east-1, eu-west-1]}
aws s3api create-bucket --bucket audit-log
key=$(aws kms create-key --query KeyMetadata.Arn --output text)
aws cloudtrail create-trail --name all --s3-bucket-name audit-log --no-is-multi-region-trail --enable-log-file-validation --kms-key-id "$key"
aws cloudtrail start-logging --name all
aws cloudtrail put-event-selectors --trail-name all --event-selectors '[{"ReadWriteType":"All","IncludeManagementEvents":true}]'
