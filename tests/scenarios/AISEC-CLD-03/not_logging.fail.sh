#!/bin/sh
# A sound trail that somebody stopped.
# host: aws
aws s3api create-bucket --bucket audit-log
key=$(aws kms create-key --query KeyMetadata.Arn --output text)
aws cloudtrail create-trail --name all --s3-bucket-name audit-log --is-multi-region-trail --enable-log-file-validation --kms-key-id "$key"
aws cloudtrail start-logging --name all
aws cloudtrail put-event-selectors --trail-name all --event-selectors '[{"ReadWriteType":"All","IncludeManagementEvents":true}]'
aws cloudtrail stop-logging --name all
